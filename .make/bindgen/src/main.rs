//! Makes what a browser loads of the browser's half: `bindgen FILE.wasm FOLDER` writes `portal.js` and `portal_bg.wasm` there.

use std::env::args_os;
use std::process::ExitCode;

use wasm_bindgen_cli_support::Bindgen;

fn main() -> ExitCode {
    let [wasm, folder] = &args_os().skip(1).collect::<Vec<_>>()[..] else {
        eprintln!("usage: bindgen FILE.wasm FOLDER");
        return ExitCode::FAILURE;
    };
    let mut bindgen = Bindgen::new();
    bindgen
        .input_path(wasm)
        .out_name("portal")
        .typescript(false)
        .remove_name_section(true)
        .remove_producers_section(true);
    let made = bindgen.web(true).and_then(|bindgen| bindgen.generate(folder));
    match made {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:?}");
            ExitCode::FAILURE
        }
    }
}

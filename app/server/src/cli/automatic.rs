//! `portal automatic-promotion`

use super::{CliError, console::Console, say};
use clap::ValueEnum;
use model::AutomaticPromotion;
use serde_json::json;

const PATH: &str = "/automatic-promotion";

#[derive(clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    data: super::DataArgument,
    /// Switch it; without this it is only told how it stands
    #[arg(value_enum)]
    switch: Option<Switch>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Switch {
    On,
    Off,
}

pub(super) async fn perform(arguments: &Arguments) -> Result<(), CliError> {
    let console = Console::new(&arguments.data.data);
    let now: AutomaticPromotion = match arguments.switch {
        Some(switch) => console.put(PATH, &json!({ "enabled": switch == Switch::On })).await?,
        None => console.get(PATH).await?,
    };
    say(format_args!("automatic promotion: {}", now.state().to_lowercase()))?;
    if now.wanted {
        let AutomaticPromotion { electors, electors_here, devices, .. } = now;
        say(format_args!("{electors} of {devices} devices count, {electors_here} of them are on this server"))?;
    }
    now.note.map_or(Ok(()), say)
}

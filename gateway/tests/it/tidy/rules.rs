//! The rules themselves. Each gives one message per breach: file, line, what is wrong, the way out.

use super::source::{Source, is_word, tokens_of};

const MAX_FILE_LINES: usize = 400;
const MAX_FUNCTION_LINES: usize = 70;
const MAX_TEST_NAME: usize = 60;

/// Who must never name what, and what to do instead.
struct Ban {
    /// Where: beginnings of paths of files.
    rooms: &'static [&'static str],
    /// Files in those rooms that may.
    except: &'static [&'static str],
    /// What: beginnings of Rust paths.
    names: &'static [&'static str],
    /// The rule and the way out.
    advice: &'static str,
}

/// Where SQL stands.
const STORES: &[&str] =
    &["app/server/src/db", "app/server/src/cluster/store", "app/server/src/people/store", "app/server/src/fleet/store"];
/// The rooms that hold rules and records, from the lowest up.
const RULES: &[&str] =
    &["app/server/src/db", "app/server/src/cluster", "app/server/src/people", "app/server/src/fleet"];

const BANS: &[Ban] = &[
    Ban {
        rooms: &["gateway/"],
        except: &[],
        names: &["app", "model", "sqlx", "axum", "leptos", "leptos_axum"],
        advice: "gateway knows devices only: no portal, database, HTTP or browser; put it into app/server/src/interfaces/devices",
    },
    Ban {
        rooms: &["gateway/src/server"],
        except: &[],
        names: &["crate::device", "crate::client", "crate::simulator"],
        advice: "the server's side never sees the device's side; what both need belongs into wire",
    },
    Ban {
        rooms: &["gateway/src/device", "gateway/src/client"],
        except: &[],
        names: &["crate::server", "crate::simulator"],
        advice: "the device's side never sees the server's side; what both need belongs into wire",
    },
    Ban {
        rooms: &["app/src/"],
        except: &[],
        names: &["gateway", "server"],
        advice: "pages speak model; what must run on the server is an operation of model::Operations",
    },
    Ban {
        rooms: &["app/src/components"],
        except: &[],
        names: &["crate::server_fns", "Resource", "LocalResource", "EventSource", "web_sys::EventSource"],
        advice: "components never fetch; let the page fetch and hand the value in",
    },
    Ban {
        rooms: &["app/server/"],
        except: &[],
        names: &["app", "leptos", "leptos_axum"],
        advice: "the server knows no page; it is given them as a router when it starts",
    },
    Ban {
        rooms: RULES,
        except: &[],
        names: &["axum", "crate::interfaces"],
        advice: "rules know no HTTP; translate in interfaces",
    },
    Ban {
        rooms: &["app/server/src/db"],
        except: &[],
        names: &["crate::cluster", "crate::people", "crate::fleet"],
        advice: "db is below every room; put it into the room that needs it, or what both need into db",
    },
    Ban {
        rooms: &["app/server/src/cluster"],
        except: &[],
        names: &["crate::people", "crate::fleet"],
        advice: "cluster is below people and fleet; put it into the higher one",
    },
    Ban {
        rooms: &["app/server/src/people"],
        except: &[],
        names: &["crate::fleet"],
        advice: "people is below fleet; put it into fleet",
    },
    Ban {
        rooms: &["app/server/src"],
        except: STORES,
        names: &["sqlx"],
        advice: "SQL stands in db and in the store of each room; add a method there",
    },
];

/// Who may name what.
pub(super) fn imports(source: &Source) -> Vec<String> {
    // A test of a low room may play a whole server.
    if source.path.starts_with("app/server/") && source.path.ends_with("/tests.rs") {
        return Vec::new();
    }
    let inside = |rooms: &[&str]| rooms.iter().any(|room| source.path.starts_with(room));
    let paths = source.paths();
    let mut broken = Vec::new();
    for ban in BANS.iter().filter(|ban| inside(ban.rooms) && !inside(ban.except)) {
        for path in &paths {
            if ban.names.iter().any(|name| path.starts_with(name)) {
                let named = path.segments.join("::");
                broken.push(format!("{}:{}: `{named}`: {}", source.path, path.line, ban.advice));
            }
        }
    }
    broken
}

/// Rooms that get time and chance as arguments.
const PURE: &[&str] = &[
    "gateway/src/wire",
    "gateway/src/device",
    "gateway/src/server/session",
    "gateway/src/server/push",
    "gateway/src/quorum",
];

const IMPURE_WORDS: &[&str] = &[
    "Instant",
    "SystemTime",
    "UtcDateTime",
    "OffsetDateTime",
    "TcpStream",
    "TcpListener",
    "UdpSocket",
    "ToSocketAddrs",
    "OsRng",
    "SystemRandom",
    "thread_rng",
    "getrandom",
];

const IMPURE_PATHS: &[&str] = &["tokio", "std::fs", "std::thread", "rand::rng", "rand::random", "aws_lc_rs::rand"];

/// Pure code touches no socket, clock or chance.
pub(super) fn purity(source: &Source) -> Vec<String> {
    let tests = source.path.ends_with("tests.rs") || source.path.contains("/tests/");
    if tests || !PURE.iter().any(|room| source.path.starts_with(room)) {
        return Vec::new();
    }
    let words = source.words().into_iter().filter(|(_, word)| IMPURE_WORDS.contains(word));
    let words = words.map(|(line, word)| (line, word.to_owned()));
    let paths = source.paths().into_iter().filter(|path| IMPURE_PATHS.iter().any(|name| path.starts_with(name)));
    let paths = paths.map(|path| (path.line, path.segments.join("::")));
    words
        .chain(paths)
        .map(|(line, name)| {
            let file = &source.path;
            format!("{file}:{line}: `{name}`: pure code; take the time, the random number or the bytes as an argument")
        })
        .collect()
}

/// A feature gates whole modules.
pub(super) fn gates(source: &Source) -> Vec<String> {
    let lines: Vec<&str> = source.uncommented.lines().map(str::trim).collect();
    let mut broken = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        let gate = line.contains("feature = \"ssr\"") && line.contains("cfg");
        if !gate || line.starts_with("#![cfg(") || !source.path.starts_with("app/src") {
            continue;
        }
        let gated = lines[index + 1..].iter().find(|line| !line.is_empty() && !line.starts_with("#["));
        let is_module = gated.is_some_and(|line| {
            let item = line.trim_start_matches("pub(crate) ").trim_start_matches("pub ");
            item.starts_with("mod ") && item.ends_with(';')
        });
        if !line.starts_with("#[cfg(") || !is_module {
            let advice = "gate a whole module (`mod x;`) instead, and put this into it";
            broken.push(format!("{}:{}: `ssr` gates less than a module: {advice}", source.path, index + 1));
        }
    }
    broken
}

/// Each file says what it is for.
pub(super) fn purpose(source: &Source) -> Vec<String> {
    let said = source.text.lines().next().and_then(|line| line.strip_prefix("//! "));
    if said.is_some_and(|purpose| !purpose.trim().is_empty()) {
        return Vec::new();
    }
    vec![format!("{}:1: no purpose: begin the file with a `//!` line that says what it is for", source.path)]
}

/// Files and functions stay readable.
pub(super) fn lengths(source: &Source) -> Vec<String> {
    let mut broken = Vec::new();
    let lines = source.text.lines().count();
    if lines > MAX_FILE_LINES {
        let advice = format!("{lines} lines, {MAX_FILE_LINES} at most: give a part of it a file of its own");
        broken.push(format!("{}:1: {advice}", source.path));
    }
    for (name, line, length) in source.functions() {
        if length > MAX_FUNCTION_LINES {
            let advice = format!("{length} lines of code, {MAX_FUNCTION_LINES} at most: give a step of it a name");
            broken.push(format!("{}:{line}: fn {name}: {advice}", source.path));
        }
    }
    broken
}

/// Nothing is put off.
pub(super) fn leftovers(source: &Source) -> Vec<String> {
    let mut broken = Vec::new();
    for (index, line) in source.comments.lines().enumerate() {
        let mut words = line.split(|c: char| !c.is_alphanumeric());
        if let Some(word) = words.find(|word| matches!(*word, "TODO" | "FIXME" | "XXX")) {
            broken.push(format!("{}:{}: {word}: do it now, or file an issue", source.path, index + 1));
        }
    }
    for (line, word) in source.words() {
        if matches!(word, "unimplemented" | "todo" | "dbg") && source.code.contains(&format!("{word}!")) {
            broken.push(format!("{}:{line}: {word}!: finish it before it lands", source.path));
        }
    }
    broken
}

/// The name of a test says what it shows, in one breath.
pub(super) fn names_of_tests(source: &Source) -> Vec<String> {
    let mut broken = Vec::new();
    for code in [&source.code, &source.tests] {
        let tokens = tokens_of(code);
        for at in (0..tokens.len()).filter(|at| ends_test_attribute(&tokens[..*at])) {
            let Some(start) = tokens[at..].iter().position(|(_, token)| *token == "fn").map(|n| at + n) else {
                continue;
            };
            let Some((line, name)) = tokens.get(start + 1).filter(|(_, name)| name.starts_with(is_word)) else {
                continue;
            };
            let length = name.chars().count();
            if length > MAX_TEST_NAME {
                let advice = format!("{length} characters, {MAX_TEST_NAME} at most: say what it shows in fewer words");
                broken.push(format!("{}:{line}: fn {name}: {advice}", source.path));
            }
        }
    }
    broken
}

/// Whether the tokens end within `#[test` or `#[tokio::test`, before what may follow in brackets.
fn ends_test_attribute(tokens: &[(usize, &str)]) -> bool {
    let token = |back: usize| tokens.len().checked_sub(back).map_or("", |at| tokens[at].1);
    let attribute = |back: usize| token(back) == "[" && token(back + 1) == "#";
    token(1) == "test" && (attribute(2) || token(2) == "::" && attribute(4))
}

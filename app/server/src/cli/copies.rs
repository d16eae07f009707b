//! `portal copies`

use super::{CliError, say};
use crate::{
    clock::text_of_unix_ms,
    db::{list_kept_copies, read_kept_copy},
};
use std::time::{SystemTime, UNIX_EPOCH};

#[derive(clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    data: super::DataArgument,
}

pub(super) async fn perform(arguments: &Arguments) -> Result<(), CliError> {
    for copy in list_kept_copies(&arguments.data.data, SystemTime::now())? {
        let arrived = copy.arrived_at.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
        let arrived = text_of_unix_ms(u64::try_from(arrived).unwrap_or(u64::MAX));
        let holds = match read_kept_copy(&copy).await {
            Ok(facts) => format!("change {}", facts.change),
            Err(flaw) => flaw.to_string(),
        };
        say(format_args!("{}\t{arrived}\t{} bytes\t{holds}", copy.name, copy.size))?;
    }
    Ok(())
}

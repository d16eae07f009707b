//! Provisioning strings: made by an operator, typed into new devices.

use super::store::ProvisioningRecord;
use crate::{Service, actor::Actor, changes::Change, clock::text_of};
use gateway::{
    provisioning,
    wire::{Address, Entries, EntriesError},
};
use model::{
    AccountRule, Fault, FieldError, ListRule, MAX_ENTRIES, ProvisioningInput, ProvisioningString, ServerEntry,
};
use serde_json::json;
use time::Duration;

const USES: std::ops::RangeInclusive<u32> = 1..=10_000;
const SECONDS: std::ops::RangeInclusive<u64> = 60..=2_592_000;

impl Service {
    /// Where devices reach this server's gateway: what a provisioning string names if its maker names nothing. A
    /// second call is ignored.
    pub fn advertise(&self, address: Address, port: u16) {
        let _ = self.advertised.set((address, port));
    }

    /// Makes a provisioning string. The answer is the only place where all of it is ever shown.
    ///
    /// # Errors
    ///
    /// Not active, bad fields, or the store fails.
    pub async fn create_provisioning_string(
        &self,
        actor: &Actor,
        input: ProvisioningInput,
    ) -> Result<ProvisioningString, Fault> {
        self.require_active().await?;
        let addresses = self.check_input(&input)?;
        let secret: [u8; 32] = rand::random();
        let string = provisioning::ProvisioningString {
            id: hex::encode(rand::random::<[u8; 8]>()),
            installation_id: self.identity.installation_id.clone(),
            authority_fingerprint: self.keys.authority().fingerprint(),
            addresses: addresses.iter().map(|entry| (entry.address.clone(), entry.port)).collect(),
            secret,
        };
        let now = self.clock.now();
        let life = Duration::seconds(i64::try_from(input.expires_in_seconds).unwrap_or(i64::MAX));
        let record = ProvisioningRecord {
            id: string.id.clone(),
            secret: secret.to_vec(),
            addresses: addresses.iter().map(gateway::wire::ServerEntry::endpoint).collect(),
            uses: input.uses,
            used: 0,
            expires_at: text_of(now.saturating_add(life)),
            server_id: self.identity.server_id.clone(),
            created_by: actor.login.clone(),
            created_at: text_of(now),
        };
        let after = json!({ "addresses": record.addresses, "uses": record.uses, "expires_at": record.expires_at });
        let subject = format!("provisioning string {}", record.id);
        let audit = self.audit(actor, "provisioning.create", subject, None, Some(after));
        self.store.insert_provisioning(&record, &audit).await?;
        self.changed(Change::Database);
        Ok(ProvisioningString { string: Some(string.to_string()), ..shown(record) })
    }

    /// All provisioning strings without their secrets, newest first.
    pub async fn list_provisioning_strings(&self) -> Result<Vec<ProvisioningString>, Fault> {
        Ok(self.store.list_provisioning().await?.into_iter().map(shown).collect())
    }

    fn check_input(&self, input: &ProvisioningInput) -> Result<Entries, Fault> {
        let mut errors = Vec::new();
        if !USES.contains(&input.uses) {
            errors.push(FieldError::new("uses", AccountRule::Uses));
        }
        if !SECONDS.contains(&input.expires_in_seconds) {
            errors.push(FieldError::new("expires_in_seconds", AccountRule::Lifetime));
        }
        let typed: Vec<(usize, &str)> =
            input.addresses.iter().map(|text| text.trim()).enumerate().filter(|(_, text)| !text.is_empty()).collect();
        let own = self.advertised.get().map(|(address, port)| endpoint_of(address, *port));
        let texts: Vec<(usize, &str)> = match &own {
            Some(own) if typed.is_empty() => vec![(0, own.as_str())],
            Some(_) | None => typed,
        };
        let entries = parse_addresses(&texts).map_err(|bad| errors.extend(bad)).ok();
        match entries {
            Some(entries) if errors.is_empty() => Ok(entries),
            Some(_) | None => Err(Fault::Invalid { errors }),
        }
    }
}

/// The addresses of a string as the servers of a device: the first has priority 1.
pub(crate) fn entries_from(addresses: &[String]) -> Result<Vec<ServerEntry>, Fault> {
    let texts: Vec<(usize, &str)> = addresses.iter().map(String::as_str).enumerate().collect();
    let entries = parse_addresses(&texts).map_err(|errors| Fault::Invalid { errors })?;
    Ok(entries.iter().map(super::server_lists::model_entry).collect())
}

fn parse_addresses(texts: &[(usize, &str)]) -> Result<Entries, Vec<FieldError>> {
    if texts.len() > MAX_ENTRIES {
        return Err(vec![FieldError::new("addresses", ListRule::TooManyAddresses { most: MAX_ENTRIES })]);
    }
    let raw = texts.iter().zip(1..).map(|((_, text), priority)| {
        let (address, port) = split_endpoint(text);
        (priority, address, port)
    });
    Entries::parse(raw).map_err(|errors| errors.iter().map(|error| address_error(error, texts)).collect())
}

fn address_error(error: &EntriesError, texts: &[(usize, &str)]) -> FieldError {
    match error.place() {
        Some((index, _)) => {
            let sent = texts.get(index).map_or(index, |(sent, _)| *sent);
            FieldError::new(format!("addresses[{sent}]"), address_rule(error))
        }
        None => FieldError::new("addresses", ListRule::NoAddress),
    }
}

fn address_rule(error: &EntriesError) -> ListRule {
    let rule = super::server_lists::rule_of(error, |index| index);
    if let ListRule::ServerTaken { row } = rule { ListRule::AddressTaken { entry: row } } else { rule }
}

/// `address:port`, an IPv6 address in brackets; 0 is no port.
fn split_endpoint(text: &str) -> (&str, i64) {
    match text.rsplit_once(':') {
        Some((address, port)) => (address, port.parse().unwrap_or(0)),
        None => (text, 0),
    }
}

fn endpoint_of(address: &Address, port: u16) -> String {
    gateway::wire::ServerEntry { priority: 1, address: address.clone(), port }.endpoint()
}

fn shown(record: ProvisioningRecord) -> ProvisioningString {
    ProvisioningString {
        id: record.id,
        string: None,
        addresses: record.addresses,
        uses: record.uses,
        used: record.used,
        expires_at: record.expires_at,
        created_by: record.created_by,
        created_at: record.created_at,
    }
}

#[cfg(test)]
mod tests;

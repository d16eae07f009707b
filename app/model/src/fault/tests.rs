//! Each code has a fault or a rule, and each of those has words.

use super::*;
use crate::{RolloutState, RolloutVerb};
use std::collections::BTreeSet;

fn server_obstacles() -> Vec<ServerObstacle> {
    use ServerObstacle as Server;
    let (one, because) = ("BioStar Server #1".to_owned(), "it takes too long".to_owned());
    vec![
        Server::NoAnswer,
        Server::GatewayNotListening,
        Server::PeersNotListening,
        Server::OtherServer { server: one.clone() },
        Server::DrainElsewhere,
        Server::Draining,
        Server::NowhereToGo,
        Server::OwnServer,
        Server::ServerAnswers { server: one.clone() },
        Server::AlreadyActive { server: one.clone() },
        Server::ActiveServerAnswers { active: one.clone() },
        Server::DatabaseNotFollowing { active: one.clone() },
        Server::RoleNotHandedOver { active: one.clone(), because: because.clone() },
        Server::RoleNotGiven,
        Server::LeaseDecides,
        Server::SharedDatabase,
        Server::SharedDatabaseNotOpened { because: because.clone() },
        Server::RejoinNotNeeded,
        Server::NoActiveServer,
        Server::CopyNotArrived { active: one, because: because.clone() },
        Server::CopyUnusable { because: because.clone() },
        Server::DatabaseNotKept { because },
        Server::WritesHeld,
    ]
}

fn device_obstacles() -> Vec<DeviceObstacle> {
    use DeviceObstacle as Device;
    let because = "refused".to_owned();
    let (verb, state) = (RolloutVerb::Pause, RolloutState::Finished);
    vec![
        Device::DeviceNotConnected,
        Device::DeviceLost,
        Device::FirmwareTooOld,
        Device::DeviceSilent,
        Device::DeviceRefused { because: because.clone() },
        Device::OrderFailed { server: "BioStar Server #2".to_owned(), because: because.clone() },
        Device::ServersBeingChanged,
        Device::NothingToCancel,
        Device::TooLateToCancel,
        Device::DecidedMeanwhile,
        Device::AcceptedAlready,
        Device::RejectedAlready,
        Device::SeveralClaims { device: 547_846_001, claims: 2 },
        Device::NotAcceptable { because },
        Device::RolloutState { rollout: 7, verb, state },
        Device::RollbackRunning { rollout: 7, rolled_back_by: 8 },
        Device::NothingToRollBack { rollout: 7 },
        Device::DrillRunning,
        Device::DrillNotRunning,
    ]
}

fn troubles() -> [StorageTrouble; 9] {
    use StorageTrouble as Trouble;
    [
        Trouble::DatabaseLocked,
        Trouble::DiskFull,
        Trouble::DatabaseUnusable,
        Trouble::DatabaseReadOnly,
        Trouble::DatabaseOtherLine,
        Trouble::NoDatabaseFile,
        Trouble::RoleNotWritten,
        Trouble::SessionEndNotWritten,
        Trouble::NoRecords,
    ]
}

fn missing() -> Vec<Missing> {
    let (device, text) = (547_846_001, "seven".to_owned());
    vec![
        Missing::Device { device },
        Missing::DeviceText { text: text.clone() },
        Missing::Revision { device, revision: 3 },
        Missing::RevisionText { device, text: text.clone() },
        Missing::Rollout { rollout: 7 },
        Missing::RolloutText { text: text.clone() },
        Missing::WaitingDevice { device },
        Missing::WaitingKey,
        Missing::Drill { drill: text.clone() },
        Missing::Server { server: text.clone() },
        Missing::Newcomer { fingerprint: text.clone() },
        Missing::Operator { login: text.clone() },
        Missing::Resource { path: text.clone() },
        Missing::Page { path: text },
    ]
}

fn malformed() -> Vec<Malformed> {
    let because = "expected value at line 1 column 1".to_owned();
    vec![
        Malformed::Query { because: because.clone() },
        Malformed::Arguments { because: because.clone() },
        Malformed::IfMatch,
        Malformed::ContentType,
        Malformed::BodyCutOff,
        Malformed::NotJson { because },
        Malformed::NotAnObject,
        Malformed::FormWithoutDevices,
        Malformed::OrderWithoutServer,
        Malformed::OwnServerId,
    ]
}

fn faults() -> Vec<Fault> {
    let two = vec![FieldError::new("port", ListRule::Port), FieldError::new("name", ChoiceRule::NamePrintable)];
    let plain = [
        Fault::NotSignedIn,
        Fault::WrongPassword,
        Fault::PasswordChangeRequired,
        Fault::TooManyAttempts { retry_after_s: 42 },
        Fault::Forbidden,
        Fault::ForeignOrigin,
        Fault::MethodNotAllowed,
        Fault::Invalid { errors: two },
        Fault::Conflict { revision: 7, by: "eva".to_owned() },
        Fault::RevisionRequired,
        Fault::NotActive { active: "BioStar Server #1".to_owned() },
        Fault::TooLarge,
        Fault::Internal,
        WrongState::LastOperator { login: "eva".to_owned() }.into(),
    ];
    let states = server_obstacles().into_iter().map(Fault::from).chain(device_obstacles().into_iter().map(Fault::from));
    let unread = missing().into_iter().map(Fault::from).chain(malformed().into_iter().map(Fault::from));
    plain.into_iter().chain(states).chain(troubles().map(Fault::from)).chain(unread).collect()
}

fn list_rules() -> Vec<ListRule> {
    use ListRule as List;
    vec![
        List::Entries,
        List::Entry,
        List::NoEntry,
        List::TooManyEntries { most: 8, given: 9 },
        List::Priority,
        List::PriorityTaken { row: 2, priority: 1 },
        List::AddressText,
        List::Address { because: "this is no IPv4 address".to_owned() },
        List::Port,
        List::ServerTaken { row: 2 },
        List::AddressTaken { entry: 2 },
        List::TooManyAddresses { most: 8 },
        List::NoAddress,
        List::NotListed,
        List::ListedAddress,
        List::Permanent,
        List::StayNumber,
        List::StayTwice,
        List::StayMissing,
        List::Stay { most: 604_800 },
        List::Settings,
        List::NoSuchSetting,
        List::WholeNumber,
        List::Range { least: 1, most: 60 },
        List::Failback,
        List::Window,
        List::TimeOfDay,
        List::EmptyWindow,
    ]
}

fn choice_rules() -> Vec<ChoiceRule> {
    use ChoiceRule as Choice;
    vec![
        Choice::UnknownField,
        Choice::Selector,
        Choice::All,
        Choice::NoDeviceYet,
        Choice::Query,
        Choice::NoMatch,
        Choice::NoDeviceChosen,
        Choice::DeviceId,
        Choice::NoSuchDevice { device: 7 },
        Choice::DrillDevices,
        Choice::NothingFound { q: "door".to_owned() },
        Choice::IdsOrText,
        Choice::DrillServer,
        Choice::ServerSilent { server: "BioStar Server #2".to_owned() },
        Choice::DrillLimit,
        Choice::NoName { most: 48 },
        Choice::LongName { most: 48, given: 50 },
        Choice::NamePrintable,
        Choice::PageLength { most: 100 },
        Choice::Cursor,
        Choice::Time,
    ]
}

fn account_rules() -> Vec<AccountRule> {
    use AccountRule as Account;
    vec![
        Account::Login,
        Account::LoginTaken,
        Account::LoginReserved,
        Account::ShortPassword { least: 10 },
        Account::LongPassword { most: 512 },
        Account::CurrentPassword,
        Account::SamePassword,
        Account::PasswordAgain,
        Account::Confirm { server: "BioStar Server #1".to_owned() },
        Account::NoAccount,
        Account::OneLine { most: 200 },
        Account::HoldSeconds { most: 120 },
        Account::Uses,
        Account::Lifetime,
        Account::FormUses,
        Account::FormHours,
    ]
}

fn rules() -> Vec<Rule> {
    let unreadable = Rule::Unreadable { because: "missing field `uses`".to_owned() };
    let chosen = choice_rules().into_iter().map(Rule::from).chain(account_rules().into_iter().map(Rule::from));
    list_rules().into_iter().map(Rule::from).chain(chosen).chain([unreadable]).collect()
}

fn require_codes(listed: &[&'static str], of_samples: impl Iterator<Item = &'static str>) {
    let unique: BTreeSet<_> = listed.iter().copied().collect();
    assert_eq!(unique.len(), listed.len(), "a code stands twice: {listed:?}");
    assert_eq!(unique, of_samples.collect(), "this test needs a sample for each");
    for code in unique {
        let words = code.split('-').all(|word| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase()));
        assert!(words, "{code} is not kebab-case");
    }
}

#[test]
fn every_fault_has_a_code_of_its_own() {
    require_codes(&Fault::codes(), faults().iter().map(Fault::code));
    require_codes(&Rule::codes(), rules().iter().map(Rule::code));
}

#[test]
fn every_fault_is_told_in_sentences() {
    for fault in faults() {
        let text = fault.to_string();
        assert!(text.len() > 5 && text.ends_with('.'), "{}: {text:?}", fault.code());
        assert!(!text.contains("..") && !text.contains("  "), "{}: {text:?}", fault.code());
    }
    for rule in rules() {
        assert!(rule.to_string().len() > 5, "{}", rule.code());
    }
}

#[test]
fn a_fault_crosses_the_wire_as_it_is() {
    let told = rules().into_iter().map(|rule| Fault::field("name", rule));
    for fault in faults().into_iter().chain(told) {
        let text = serde_json::to_string(&fault).unwrap();
        assert_eq!(serde_json::from_str::<Fault>(&text).unwrap(), fault, "{text}");
    }
}

#[test]
fn the_wire_calls_a_fault_by_its_code() {
    for fault in faults() {
        let wire = serde_json::to_value(&fault).unwrap();
        let named = ["reason", "trouble", "of", "fault"].iter().find_map(|name| wire[name].as_str());
        assert_eq!(named, Some(fault.code()), "{wire}");
        for taken in ["type", "code", "status", "title", "detail"] {
            assert!(wire.get(taken).is_none(), "{taken} is a problem's own field: {wire}");
        }
    }
    for rule in rules() {
        let wire = serde_json::to_value(&rule).unwrap();
        let named = ["rule", "about"].iter().find_map(|name| wire[name].as_str());
        assert_eq!(named, Some(rule.code()), "{wire}");
    }
}

#[test]
fn only_another_state_makes_409() {
    for fault in faults() {
        assert_eq!(fault.status() == 409, matches!(fault, Fault::WrongState(_)), "{}", fault.code());
    }
}

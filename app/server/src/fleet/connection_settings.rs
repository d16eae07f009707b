//! A device's settings: as typed, as the database keeps them, as the wire wants them.

use gateway::wire::{self, DeviceSettings};
use model::{ConnectionSettings, DayWindow, Failback, Fault, FieldError, ListRule, SettingsInput};

/// What was typed over what stands; errors are at the settings' names.
pub(crate) fn parse_settings(
    current: &ConnectionSettings,
    input: &SettingsInput,
) -> Result<ConnectionSettings, Vec<FieldError>> {
    let mut errors = Vec::new();
    let known = SettingsInput::from(&ConnectionSettings::default());
    for name in input.0.keys().filter(|name| !known.0.contains_key(*name)) {
        errors.push(error_at(name, ListRule::NoSuchSetting));
    }
    let text = |name: &str| input.0.get(name).map(|text| text.trim());
    let mut number = |name: &str, current: u32| match text(name) {
        None => current,
        Some(typed) => typed.parse().unwrap_or_else(|_| {
            errors.push(error_at(name, ListRule::WholeNumber));
            current
        }),
    };
    let mut settings = ConnectionSettings {
        failback: current.failback,
        window: current.window.clone(),
        hold_down_seconds: number("hold_down_seconds", current.hold_down_seconds),
        probe_interval_seconds: number("probe_interval_seconds", current.probe_interval_seconds),
        failback_spread_seconds: number("failback_spread_seconds", current.failback_spread_seconds),
        connect_limit_seconds: number("connect_limit_seconds", current.connect_limit_seconds),
        registration_limit_seconds: number("registration_limit_seconds", current.registration_limit_seconds),
        attempts_per_entry: number("attempts_per_entry", current.attempts_per_entry),
        backoff_max_seconds: number("backoff_max_seconds", current.backoff_max_seconds),
        previous_list_after_seconds: number("previous_list_after_seconds", current.previous_list_after_seconds),
    };
    if let Some(name) = text("failback") {
        match Failback::ALL.iter().find(|(_, known, _)| *known == name) {
            Some((failback, ..)) => settings.failback = *failback,
            None => errors.push(error_at("failback", ListRule::Failback)),
        }
    }
    settings.window = window_of(&settings, text("window_from"), text("window_to"), &mut errors);
    if errors.is_empty()
        && let Err(wrong) = wire_settings(&settings)
    {
        errors = wrong;
    }
    if errors.is_empty() { Ok(settings) } else { Err(errors) }
}

fn window_of(
    settings: &ConnectionSettings,
    from: Option<&str>,
    to: Option<&str>,
    errors: &mut Vec<FieldError>,
) -> Option<DayWindow> {
    if settings.failback != Failback::Window {
        return None;
    }
    let current = settings.window.as_ref();
    let from = from.or(current.map(|window| window.from.as_str())).unwrap_or_default();
    let to = to.or(current.map(|window| window.to.as_str())).unwrap_or_default();
    for (name, text) in [("window_from", from), ("window_to", to)] {
        if minute_of(text).is_none() {
            errors.push(error_at(name, ListRule::TimeOfDay));
        }
    }
    if minute_of(from).is_some() && minute_of(from) == minute_of(to) {
        errors.push(error_at("window_to", ListRule::EmptyWindow));
    }
    let text = |minute: u32| format!("{:02}:{:02}", minute / 60, minute % 60);
    Some(DayWindow { from: minute_of(from).map(text)?, to: minute_of(to).map(text)? })
}

/// `HH:MM` as a minute of the day.
fn minute_of(text: &str) -> Option<u32> {
    let (hours, minutes) = text.trim().split_once(':')?;
    let digits = |text: &str| text.parse::<u32>().ok().filter(|_| (1..=2).contains(&text.len()));
    let (hours, minutes) = (digits(hours)?, digits(minutes)?);
    (hours < 24 && minutes < 60).then_some(hours * 60 + minutes)
}

/// Settings as the wire wants them, within their ranges.
pub(crate) fn wire_settings(settings: &ConnectionSettings) -> Result<DeviceSettings, Vec<FieldError>> {
    let failback = match (settings.failback, &settings.window) {
        (Failback::Auto, _) => wire::Failback::Auto,
        (Failback::Sticky, _) => wire::Failback::Sticky,
        (Failback::Manual, _) => wire::Failback::Manual,
        (Failback::Window, window) => {
            let window = window
                .as_ref()
                .and_then(|window| wire::DayWindow::new(minute_of(&window.from)?, minute_of(&window.to)?));
            let missing = || vec![error_at("window_from", ListRule::TimeOfDay)];
            wire::Failback::Window(window.ok_or_else(missing)?)
        }
    };
    let wire = DeviceSettings {
        failback,
        hold_down_s: settings.hold_down_seconds,
        probe_interval_s: settings.probe_interval_seconds,
        failback_spread_s: settings.failback_spread_seconds,
        connect_limit_s: settings.connect_limit_seconds,
        registration_limit_s: settings.registration_limit_seconds,
        attempts_per_entry: settings.attempts_per_entry,
        backoff_max_s: settings.backoff_max_seconds,
        previous_list_after_s: settings.previous_list_after_seconds,
    };
    let wrong = |errors: Vec<wire::SettingError>| {
        errors
            .iter()
            .map(|error| {
                error_at(error.name, ListRule::Range { least: *error.range.start(), most: *error.range.end() })
            })
            .collect::<Vec<_>>()
    };
    wire.check().map_err(wrong)?;
    Ok(wire)
}

/// Settings of the wire as pages show them.
pub(crate) fn model_settings(settings: &DeviceSettings) -> ConnectionSettings {
    let text = |minute: u16| format!("{:02}:{:02}", minute / 60, minute % 60);
    let (failback, window) = match settings.failback {
        wire::Failback::Auto => (Failback::Auto, None),
        wire::Failback::Sticky => (Failback::Sticky, None),
        wire::Failback::Manual => (Failback::Manual, None),
        wire::Failback::Window(window) => {
            (Failback::Window, Some(DayWindow { from: text(window.from()), to: text(window.to()) }))
        }
    };
    ConnectionSettings {
        failback,
        window,
        hold_down_seconds: settings.hold_down_s,
        probe_interval_seconds: settings.probe_interval_s,
        failback_spread_seconds: settings.failback_spread_s,
        connect_limit_seconds: settings.connect_limit_s,
        registration_limit_seconds: settings.registration_limit_s,
        attempts_per_entry: settings.attempts_per_entry,
        backoff_max_seconds: settings.backoff_max_s,
        previous_list_after_seconds: settings.previous_list_after_s,
    }
}

/// The same for settings from the database.
pub(crate) fn settings_of(settings: &ConnectionSettings) -> Result<DeviceSettings, Fault> {
    wire_settings(settings).map_err(|errors| {
        tracing::error!(?errors, "the database holds settings that break their rules");
        Fault::Internal
    })
}

fn error_at(name: &str, rule: ListRule) -> FieldError {
    FieldError::new(format!("settings.{name}"), rule)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(pairs: &[(&str, &str)]) -> SettingsInput {
        SettingsInput(pairs.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect())
    }

    #[test]
    fn the_defaults_are_the_protocols() {
        assert_eq!(settings_of(&ConnectionSettings::default()), Ok(DeviceSettings::default()));
        assert_eq!(model_settings(&DeviceSettings::default()), ConnectionSettings::default());
    }

    #[test]
    fn what_is_not_typed_stays() {
        let current = ConnectionSettings { attempts_per_entry: 4, ..ConnectionSettings::default() };
        let settings =
            parse_settings(&current, &typed(&[("failback", "sticky"), ("hold_down_seconds", " 60 ")])).unwrap();
        let expected = ConnectionSettings { failback: Failback::Sticky, hold_down_seconds: 60, ..current.clone() };
        assert_eq!(settings, expected);
        assert_eq!(parse_settings(&current, &SettingsInput::from(&current)), Ok(current));
    }

    #[test]
    fn every_mistake_is_told_at_its_field() {
        let input = typed(&[("failback", "never"), ("hold_down_seconds", "x"), ("colour", "red")]);
        let fields = |input: &SettingsInput| -> Vec<String> {
            let errors = parse_settings(&ConnectionSettings::default(), input).unwrap_err();
            errors.into_iter().map(|error| error.field).collect()
        };
        assert_eq!(fields(&input), ["settings.colour", "settings.hold_down_seconds", "settings.failback"]);
        assert_eq!(fields(&typed(&[("backoff_max_seconds", "61")])), ["settings.backoff_max_seconds"]);
        let window = [("failback", "window"), ("window_from", "25:00")];
        assert_eq!(fields(&typed(&window)), ["settings.window_from", "settings.window_to"]);
        let empty = [("failback", "window"), ("window_from", "2:00"), ("window_to", "02:00")];
        assert_eq!(fields(&typed(&empty)), ["settings.window_to"]);
    }

    #[test]
    fn a_window_is_written_the_same_way_always() {
        let input = typed(&[("failback", "window"), ("window_from", "2:5"), ("window_to", "23:00")]);
        let settings = parse_settings(&ConnectionSettings::default(), &input).unwrap();
        assert_eq!(model_settings(&settings_of(&settings).unwrap()), settings);
        assert_eq!(settings.window, Some(DayWindow { from: "02:05".into(), to: "23:00".into() }));
        let auto = parse_settings(&settings, &typed(&[("failback", "auto")])).unwrap();
        assert_eq!(auto, ConnectionSettings::default());
    }
}

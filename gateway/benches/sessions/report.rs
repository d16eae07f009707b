//! The table: both kinds, the ratio, and what the ratio or the figure is meant to be.

use crate::scenes::{Figures, Recovery};
use std::fmt::Write as _;

/// One line of the table.
struct Row {
    what: String,
    bare: Option<f64>,
    ours: Option<f64>,
    aim: Aim,
}

/// What a row is judged by.
enum Aim {
    /// The ratio of ours to the bare server's is at most this.
    RatioAtMost(f64),
    /// The ratio is at least this.
    RatioAtLeast(f64),
    /// Our figure is at most this, whatever the bare server's is.
    AtMost(f64),
    /// Our figure is at least this.
    AtLeast(f64),
    /// Shown to explain the others.
    None,
}

/// The whole table.
pub(crate) fn table(devices: u32, figures: &[Figures; 2]) -> String {
    let mut text = format!("\n{devices} devices; the server on one core, the devices on another\n\n");
    let head = ["", "bare", "ours", "ratio", "aim"];
    let _ = writeln!(text, "{:<52} {:>9} {:>9} {:>7}  {}", head[0], head[1], head[2], head[3], head[4]);
    for row in rows(devices, figures) {
        let _ = writeln!(text, "{}", row.line());
    }
    text.push_str("\nCompare ratios, not figures: they were taken in one sitting, and the machine has its moods.\n");
    text
}

fn rows(devices: u32, [bare, ours]: &[Figures; 2]) -> Vec<Row> {
    let row = |what: &str, figure: fn(&Figures) -> f64, aim| Row {
        what: what.to_owned(),
        bare: Some(figure(bare)),
        ours: Some(figure(ours)),
        aim,
    };
    let few = format!("memory per idle session at {}, KB", devices / 5);
    let all = format!("memory per idle session at {devices}, KB");
    let mut rows = vec![
        row(&few, |f| f.memory_kb[0], Aim::AtMost(12.0)),
        row(&all, |f| f.memory_kb[1], Aim::AtMost(12.0)),
        row("processor per new session, full handshake, ms", |f| f.session_cpu_ms[0], Aim::RatioAtMost(1.25)),
        row("processor per new session, resumed, ms", |f| f.session_cpu_ms[1], Aim::RatioAtMost(1.4)),
        row("resumed / full handshake", |f| f.session_cpu_ms[1] / f.session_cpu_ms[0], Aim::AtMost(0.7)),
        row("the same on another server", |f| f.resuming.session_cpu_ms / f.session_cpu_ms[0], Aim::AtMost(0.7)),
        row("share of sessions that were resumed", |f| f.resumed, Aim::AtLeast(0.99)),
        row("new sessions per second, full handshake", |f| f.sessions_per_s, Aim::RatioAtLeast(0.8)),
        row("a push to all, last acknowledgement, ms", |f| f.push_ms, Aim::RatioAtMost(1.5)),
        row("processor per ping, us", |f| f.ping_cpu_us, Aim::RatioAtMost(1.3)),
    ];
    let patient = || Aim::RatioAtMost(1.25);
    rows.extend(recovery("power cut, with tickets", &bare.resuming, &ours.resuming, patient()));
    rows.extend(recovery("power cut, patient devices", &bare.recovery, &ours.recovery, patient()));
    // Who gives up early costs the server work for nothing: no collapse.
    let all_once = f64::from(devices) * ours.session_cpu_ms[0] / 1000.0;
    rows.extend(recovery("power cut, 2 s of patience", &bare.storm, &ours.storm, Aim::AtMost(2.5 * all_once)));
    rows
}

fn recovery(what: &str, bare: &Recovery, ours: &Recovery, aim: Aim) -> [Row; 4] {
    let row = |part: &str, figure: fn(&Recovery) -> Option<f64>, aim| Row {
        what: format!("{what}: {part}"),
        bare: figure(bare),
        ours: figure(ours),
        aim,
    };
    [
        row("half back, s", |r| r.seconds[0], Aim::None),
        row("99.9 % back, s", |r| r.seconds[1], aim),
        row("share back", |r| Some(r.back), Aim::AtLeast(1.0)),
        row("timeouts", |r| u32::try_from(r.timeouts).ok().map(f64::from), Aim::None),
    ]
}

impl Row {
    fn line(&self) -> String {
        let number = |value: Option<f64>| value.map_or("never".to_owned(), |value| format!("{value:.3}"));
        let ratio = self.bare.zip(self.ours).map(|(bare, ours)| ours / bare).filter(|ratio| ratio.is_finite());
        let shown = ratio.map_or(String::new(), |ratio| format!("{ratio:.2}"));
        // Somebody who never arrives is worse than any figure; if only the yardstick never arrives, any figure will do.
        let judged = |limit: f64, at_most: bool, value: Option<f64>| match (value, self.ours, self.bare) {
            (Some(value), ..) => (value <= limit) == at_most || value == limit,
            (None, Some(_), None) => true,
            (None, ..) => false,
        };
        let (aim, met) = match self.aim {
            Aim::RatioAtMost(limit) => (format!("ratio <= {limit}"), Some(judged(limit, true, ratio))),
            Aim::RatioAtLeast(limit) => (format!("ratio >= {limit}"), Some(judged(limit, false, ratio))),
            Aim::AtMost(limit) => (format!("ours <= {}", short(limit)), Some(judged(limit, true, self.ours))),
            Aim::AtLeast(limit) => (format!("ours >= {limit}"), Some(judged(limit, false, self.ours))),
            Aim::None => (String::new(), None),
        };
        let verdict = match met {
            Some(true) => "met",
            Some(false) => "MISSED",
            None => "",
        };
        let (bare, ours) = (number(self.bare), number(self.ours));
        format!("{:<52} {bare:>9} {ours:>9} {shown:>7}  {aim:<14} {verdict}", self.what)
    }
}

/// A limit that was computed, to two places.
fn short(limit: f64) -> f64 {
    (limit * 100.0).round() / 100.0
}

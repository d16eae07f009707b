//! The rows of the Server table as somebody edits them.

use model::{DEFAULT_PORT, DeviceServers, EntryInput, MAX_ENTRIES, ServerEntry};

/// Always [`MAX_ENTRIES`] rows, of which the first `shown` are in use and the rest are blank.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryRows {
    rows: Vec<EntryInput>,
    shown: usize,
}

impl EntryRows {
    /// A list as it stands.
    #[must_use]
    pub fn of(entries: &[ServerEntry]) -> Self {
        Self::typed(entries.iter().map(EntryInput::from).collect())
    }

    /// Rows as somebody typed them, gaps included.
    #[must_use]
    pub fn typed(mut rows: Vec<EntryInput>) -> Self {
        rows.resize_with(MAX_ENTRIES, blank);
        let shown = rows.iter().rposition(|row| !row.is_blank()).map_or(1, |last| last + 1);
        Self { rows, shown }
    }

    /// All rows, blank ones included.
    #[must_use]
    pub fn all(&self) -> &[EntryInput] {
        &self.rows
    }

    /// How many rows are in use.
    #[must_use]
    pub fn shown(&self) -> usize {
        self.shown
    }

    /// Whether a row in use names a server that the device is connected to, or that passed its last test.
    #[must_use]
    pub fn has_proven(&self, servers: &DeviceServers) -> bool {
        let proven = |row: &EntryInput| servers.proven().any(|(address, port)| row.is_at(address, port));
        self.rows.iter().filter(|row| !row.is_blank()).any(proven)
    }

    /// One row; a blank one past the end.
    #[must_use]
    pub fn row(&self, index: usize) -> EntryInput {
        self.rows.get(index).cloned().unwrap_or_else(blank)
    }

    /// Changes one row as somebody types.
    pub fn edit(&mut self, index: usize, change: impl FnOnce(&mut EntryInput)) {
        if let Some(row) = self.rows.get_mut(index) {
            change(row);
            self.shown = self.shown.max(index + 1);
        }
    }

    /// Opens the next row, one priority after the last, and tells which it is; `None` when all are in use.
    pub fn add(&mut self) -> Option<usize> {
        let index = self.shown;
        let last = self.rows.iter().take(index).filter_map(|row| row.priority.trim().parse::<u8>().ok()).max();
        let row = self.rows.get_mut(index)?;
        *row = EntryInput { priority: last.unwrap_or(0).saturating_add(1).to_string(), ..blank() };
        self.shown += 1;
        Some(index)
    }

    /// Takes a row out; those below move up with their priorities. The last row is only emptied.
    pub fn remove(&mut self, index: usize) {
        if index >= self.shown {
            return;
        }
        self.rows.remove(index);
        self.rows.push(blank());
        self.shown = (self.shown - 1).max(1);
    }

    /// Moves a server to another place. The priorities stay where they are: place decides what is dialled first.
    pub fn move_to(&mut self, from: usize, to: usize) {
        if from >= self.shown || to >= self.shown || from == to {
            return;
        }
        let priorities: Vec<_> = self.rows.iter().map(|row| row.priority.clone()).collect();
        let row = self.rows.remove(from);
        self.rows.insert(to, row);
        for (row, priority) in self.rows.iter_mut().zip(priorities) {
            row.priority = priority;
        }
    }

    /// Do these rows say the same as this list? Order and surrounding spaces do not matter.
    #[must_use]
    pub fn say(&self, entries: &[ServerEntry]) -> bool {
        let trimmed = |row: &EntryInput| {
            (row.priority.trim().to_owned(), row.address.trim().to_owned(), row.port.trim().to_owned())
        };
        let mut mine: Vec<_> = self.rows.iter().filter(|row| !row.is_blank()).map(trimmed).collect();
        let mut theirs: Vec<_> = entries.iter().map(|entry| trimmed(&entry.into())).collect();
        mine.sort();
        theirs.sort();
        mine == theirs
    }
}

fn blank() -> EntryInput {
    EntryInput { port: DEFAULT_PORT.to_string(), ..EntryInput::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(priority: u8, address: &str) -> ServerEntry {
        ServerEntry { address: address.into(), port: DEFAULT_PORT, priority }
    }

    fn shown(rows: &EntryRows) -> Vec<(String, String)> {
        rows.all().iter().take(rows.shown()).map(|row| (row.priority.clone(), row.address.clone())).collect()
    }

    fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
        expected.iter().map(|(priority, address)| ((*priority).into(), (*address).into())).collect()
    }

    #[test]
    fn a_list_is_proven_by_the_connection_or_by_a_test() {
        use model::{Connection, ConnectionSettings, ProbeRow, ProbeTable};
        let row = |address: &str, passed| ProbeRow {
            priority: 1,
            address: address.into(),
            port: 51213,
            passed,
            resolved: None,
            tcp_ms: None,
            tls_ms: None,
            answer_ms: None,
            server: None,
            reason: None,
        };
        let servers = DeviceServers {
            revision: 1,
            entries: Vec::new(),
            settings: ConnectionSettings::default(),
            hash: String::new(),
            committed: None,
            push: None,
            probe: Some(ProbeTable { at: String::new(), rows: vec![row("b.example", true), row("c.example", false)] }),
            moved: None,
            connected: Some(Connection {
                address: "192.0.2.1".into(),
                port: 51213,
                priority: 1,
                server: String::new(),
                server_name: String::new(),
                since: String::new(),
            }),
        };
        let entry = |address: &str| ServerEntry { address: address.into(), port: 51213, priority: 1 };
        let proven = |address: &str| EntryRows::of(&[entry(address)]).has_proven(&servers);
        assert_eq!(["192.0.2.1", "B.example", "c.example", "d.example"].map(proven), [true, true, false, false]);
    }

    #[test]
    fn a_new_row_comes_after_the_last_priority_with_the_usual_port() {
        let mut rows = EntryRows::of(&[entry(1, "a"), entry(5, "b")]);
        assert_eq!(rows.add(), Some(2));
        assert_eq!(rows.row(2), EntryInput { priority: "6".into(), address: String::new(), port: "51213".into() });
        for _ in 3..MAX_ENTRIES {
            assert!(rows.add().is_some());
        }
        assert_eq!(rows.add(), None);
    }

    #[test]
    fn moving_a_server_leaves_the_priorities_in_place() {
        let mut rows = EntryRows::of(&[entry(1, "a"), entry(2, "b"), entry(7, "c")]);
        rows.move_to(2, 0);
        assert_eq!(shown(&rows), pairs(&[("1", "c"), ("2", "a"), ("7", "b")]));
        rows.move_to(0, 3);
        assert_eq!(shown(&rows), pairs(&[("1", "c"), ("2", "a"), ("7", "b")]));
    }

    #[test]
    fn removing_closes_the_gap_and_keeps_one_row() {
        let mut rows = EntryRows::of(&[entry(1, "a"), entry(2, "b")]);
        rows.remove(0);
        assert_eq!(shown(&rows), pairs(&[("2", "b")]));
        rows.remove(0);
        assert_eq!(shown(&rows), pairs(&[("", "")]));
        assert_eq!(rows.all().len(), MAX_ENTRIES);
    }

    #[test]
    fn rows_say_a_list_whatever_their_order() {
        let list = [entry(1, "a"), entry(2, "b")];
        let mut rows = EntryRows::of(&[entry(2, "b"), entry(1, "a")]);
        assert!(rows.say(&list));
        rows.edit(0, |row| row.address = " b ".into());
        assert!(rows.say(&list));
        rows.edit(3, |row| row.address = "c".into());
        assert!(!rows.say(&list));
        assert_eq!(rows.shown(), 4);
    }

    #[test]
    fn typed_gaps_stay() {
        let typed = vec![EntryInput::default(), EntryInput { address: "x".into(), ..EntryInput::default() }];
        let rows = EntryRows::typed(typed);
        assert_eq!(rows.shown(), 2);
        assert_eq!(rows.all().len(), MAX_ENTRIES);
    }
}

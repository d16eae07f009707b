//! Which module of a crate depends on which: one module a file, and one for the tests at its end.

use super::outline::Outline;
use super::source::{Path, Source, crate_of, module_of, tokens_of};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// So many imports lead from a name to what it means, at most.
const MAX_IMPORTS: usize = 12;

/// One place in which a module names something of another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Use {
    pub(super) file: String,
    pub(super) line: usize,
    /// As it is written, but absolute.
    pub(super) named: String,
}

/// From one module to another, neither above the other.
#[derive(Debug)]
pub(super) struct Edge {
    pub(super) from: Vec<String>,
    pub(super) to: Vec<String>,
    pub(super) at: Use,
    /// Both exist in tests only.
    pub(super) tests: bool,
}

struct Module<'a> {
    source: &'a Source,
    path: Vec<String>,
    outline: Outline,
    children: HashMap<String, usize>,
    /// Compiled for tests only.
    tests: bool,
    /// The tests at the end of a file.
    inline: bool,
}

/// All modules of one crate.
pub(super) struct Graph<'a> {
    modules: Vec<Module<'a>>,
    root: usize,
}

/// The folders of all crates, in which their files begin.
pub(super) fn crates(sources: &[Source]) -> BTreeSet<&str> {
    sources.iter().filter_map(|source| crate_of(&source.path)).collect()
}

impl<'a> Graph<'a> {
    /// Of the crate in a folder. Programs in `src/bin` are crates of one file.
    pub(super) fn new(sources: &'a [Source], folder: &str) -> Option<Self> {
        let own = sources.iter().filter(|source| crate_of(&source.path) == Some(folder));
        let mut modules = Vec::new();
        for source in own.filter(|source| !source.path.starts_with(&format!("{folder}/bin/"))) {
            let path = module_of(&source.path);
            let tests = path.iter().any(|name| name == "tests");
            let module = |path: &[String], code: &str, inline| Module {
                source,
                path: path.to_vec(),
                outline: Outline::new(code, &module_of(&source.path)),
                children: HashMap::new(),
                tests: tests || inline,
                inline,
            };
            modules.push(module(&path, &source.code, false));
            if !source.tests.trim().is_empty() {
                modules.push(module(&[path.as_slice(), &["tests".to_owned()]].concat(), &source.tests, true));
            }
        }
        modules.sort_by(|a, b| a.path.cmp(&b.path));
        let root = modules.iter().position(|module| module.path.len() == 1)?;
        let mut graph = Self { modules, root };
        graph.connect();
        Some(graph)
    }

    /// Tells the modules of those below them; what is below a module for tests is for tests as well.
    fn connect(&mut self) {
        let mut known: HashMap<Vec<String>, usize> = HashMap::new();
        for (at, module) in self.modules.iter().enumerate() {
            // A library comes before its program, which has the same name here.
            known.entry(module.path.clone()).or_insert(at);
        }
        for at in 0..self.modules.len() {
            let path = self.modules[at].path.clone();
            let Some((name, above)) = path.split_last() else { continue };
            let Some(&parent) = known.get(above) else { continue };
            let parent = &mut self.modules[parent];
            parent.children.insert(name.clone(), at);
            let tests = parent.tests || parent.outline.test_modules.contains(name);
            self.modules[at].tests |= tests;
        }
    }

    /// All dependencies between modules of which neither is above the other. Code and tests are apart.
    pub(super) fn edges(&self) -> Vec<Edge> {
        let mut edges = BTreeMap::new();
        for (from, module) in self.modules.iter().enumerate() {
            for (path, met) in self.named_by(from) {
                for to in met.into_iter().map(|to| &self.modules[to]) {
                    let above = to.path.starts_with(&module.path) || module.path.starts_with(&to.path);
                    if above || module.tests != to.tests {
                        continue;
                    }
                    let named = path.segments.join("::");
                    let at = Use { file: module.source.path.clone(), line: path.line, named };
                    let key = (from, to.path.clone(), at.clone());
                    let (from, to, tests) = (module.path.clone(), to.path.clone(), module.tests);
                    edges.entry(key).or_insert(Edge { from, to, at, tests });
                }
            }
        }
        edges.into_values().collect()
    }

    /// What a module names, and the modules that this means. Single words count where all names of a module are imported.
    fn named_by(&self, at: usize) -> Vec<(Path, BTreeSet<usize>)> {
        let module = &self.modules[at];
        let paths = if module.inline { module.source.paths_of_tests() } else { module.source.paths() };
        let follow = |path: Path| {
            let mut met = BTreeSet::new();
            self.follow(at, &path.segments, 0, &mut met);
            (path, met)
        };
        let mut named: Vec<(Path, BTreeSet<usize>)> = paths.into_iter().map(follow).collect();
        let globs: Vec<usize> = self.globs(at, 0).collect();
        if globs.is_empty() {
            return named;
        }
        let tokens = tokens_of(if module.inline { &module.source.tests } else { &module.source.code });
        for pair in tokens.windows(2) {
            let [(_, before), (line, word)] = pair else { continue };
            let own = module.outline.items.contains(*word) || module.outline.imported(word).next().is_some();
            if own || matches!(*before, "." | "::") {
                continue;
            }
            let word = [(*word).to_owned()];
            // The name of a module stands before `::`, and is a path of its own; alone it is a variable.
            for from in globs.iter().filter(|from| self.module_at(**from, &word, 0).is_none()) {
                let segments = self.modules[*from].path.iter().chain(&word).cloned().collect();
                named.push(follow(Path { line: *line, segments }));
            }
        }
        named
    }

    /// Follows a path that stands in a module, to what it means; notes the modules it comes by.
    fn follow(&self, from: usize, segments: &[String], imports: usize, met: &mut BTreeSet<usize>) {
        match segments.split_first() {
            Some((first, rest)) if first == "crate" => self.walk(self.root, rest, imports, met),
            _ => self.walk(from, segments, imports, met),
        }
    }

    /// Follows a path from a module on.
    fn walk(&self, at: usize, segments: &[String], imports: usize, met: &mut BTreeSet<usize>) {
        let module = &self.modules[at];
        let first = segments.first().map_or("", String::as_str);
        if first == "self" {
            return self.walk(at, &segments[1..], imports, met);
        }
        if let Some(child) = module.children.get(first) {
            return self.walk(*child, &segments[1..], imports, met);
        }
        met.insert(at);
        if first.is_empty() || imports == MAX_IMPORTS {
            return;
        }
        let mut imported = module.outline.imported(first).peekable();
        if imported.peek().is_some() {
            for import in imported {
                let further: Vec<String> = import.segments.iter().chain(&segments[1..]).cloned().collect();
                self.follow(at, &further, imports + 1, met);
            }
        } else if !module.outline.items.contains(first) {
            for from in self.globs(at, imports).filter(|from| self.knows(*from, first, imports + 1)) {
                self.walk(from, segments, imports + 1, met);
            }
        }
    }

    /// Whether a module has a name: by itself, or because it imports it.
    fn knows(&self, at: usize, name: &str, imports: usize) -> bool {
        let module = &self.modules[at];
        let own = module.children.contains_key(name) || module.outline.items.contains(name);
        own || module.outline.imported(name).next().is_some()
            || self.globs(at, imports).any(|from| self.knows(from, name, imports + 1))
    }

    /// The modules of which a module imports all names.
    fn globs(&self, at: usize, imports: usize) -> impl Iterator<Item = usize> {
        let globs = self.modules[at].outline.imported("*").filter(move |_| imports < MAX_IMPORTS);
        globs.filter_map(move |glob| self.module_at(at, &glob.segments, imports + 1)).filter(move |from| *from != at)
    }

    /// The module that a path in a module names, if it names one.
    fn module_at(&self, from: usize, segments: &[String], imports: usize) -> Option<usize> {
        if imports == MAX_IMPORTS {
            return None;
        }
        let absolute = segments.first().is_some_and(|first| first == "crate");
        let mut at = if absolute { self.root } else { from };
        for name in &segments[usize::from(absolute)..] {
            let module = &self.modules[at];
            at = if let Some(child) = module.children.get(name) {
                Some(*child)
            } else if let Some(import) = module.outline.imported(name).next() {
                self.module_at(at, &import.segments, imports + 1)
            } else if module.outline.items.contains(name) {
                None
            } else {
                let name = std::slice::from_ref(name);
                self.globs(at, imports).find_map(|from| self.module_at(from, name, imports + 1))
            }?;
        }
        Some(at)
    }
}

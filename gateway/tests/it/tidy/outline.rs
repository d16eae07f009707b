//! What a module declares: the modules below it, what it imports, and what it defines.

use super::source::{homes_of, is_word, make_absolute, tokens_of};
use std::collections::HashSet;

type Token<'a> = (usize, &'a str);

/// One name that a `use` brings in.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Import {
    /// As the module then calls it; `*` for all names.
    pub(super) name: String,
    /// Where it comes from; absolute if it was written with `crate`, `self` or `super`.
    pub(super) segments: Vec<String>,
}

#[derive(Debug, Default)]
pub(super) struct Outline {
    pub(super) imports: Vec<Import>,
    /// Modules with files of their own that are compiled for tests only.
    pub(super) test_modules: HashSet<String>,
    /// What is defined outside all braces.
    pub(super) items: HashSet<String>,
}

impl Outline {
    /// Of the code of a file, or of the tests at its end.
    pub(super) fn new(code: &str, file: &[String]) -> Self {
        let tokens = tokens_of(code);
        let homes = homes_of(&tokens, file);
        let mut outline = Self::default();
        let mut depth = 0_usize;
        for (at, (_, token)) in tokens.iter().enumerate() {
            let next = |n: usize| tokens.get(at + n).map_or("", |(_, token)| token);
            match *token {
                "{" => depth += 1,
                "}" => depth = depth.saturating_sub(1),
                "use" if next(1).starts_with(is_word) => {
                    let known = outline.imports.len();
                    read_import(&tokens, at + 1, &[], &mut outline.imports);
                    for import in &mut outline.imports[known..] {
                        make_absolute(&mut import.segments, &homes[at]);
                    }
                }
                "mod" if next(2) == ";" && for_tests_only(&tokens[..at]) => {
                    outline.test_modules.insert(next(1).to_owned());
                }
                "macro_rules" if depth == 0 => {
                    outline.items.insert(next(2).to_owned());
                }
                "fn" | "struct" | "enum" | "trait" | "type" | "const" | "static" | "union" if depth == 0 => {
                    outline.items.insert(next(1).to_owned());
                }
                _ => {}
            }
        }
        outline
    }

    /// What is imported under a name.
    pub(super) fn imported<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Import> {
        self.imports.iter().filter(move |import| import.name == name)
    }
}

/// Whether the attributes before a declaration contain `cfg(test)`.
fn for_tests_only(before: &[Token]) -> bool {
    let start = before.iter().rposition(|(_, token)| matches!(*token, ";" | "{" | "}")).map_or(0, |at| at + 1);
    let attributes: String = before[start..].iter().map(|(_, token)| *token).collect();
    attributes.contains("#[cfg(test)]")
}

/// Reads the import that starts at a token, under a prefix; gives the token after it.
fn read_import(tokens: &[Token], start: usize, prefix: &[String], imports: &mut Vec<Import>) -> usize {
    let token = |at: usize| tokens.get(at).map_or("", |(_, token)| token);
    let mut segments = prefix.to_vec();
    let mut at = start;
    loop {
        match token(at) {
            "::" => at += 1,
            "{" => {
                at += 1;
                while at < tokens.len() && token(at) != "}" {
                    at = read_import(tokens, at, &segments, imports).max(at + 1);
                }
                return at + 1;
            }
            "*" => {
                imports.push(Import { name: "*".to_owned(), segments });
                return at + 1;
            }
            word if word.starts_with(is_word) && word != "as" => {
                segments.push(word.to_owned());
                at += 1;
            }
            _ => break,
        }
    }
    if segments.len() > 1 && segments.last().is_some_and(|last| last == "self") {
        segments.pop();
    }
    let renamed = token(at) == "as";
    let name = if renamed { Some(token(at + 1)) } else { segments.last().map(String::as_str) };
    if let Some(name) = name.filter(|_| segments.len() > prefix.len() || token(start) == "self") {
        imports.push(Import { name: name.to_owned(), segments: segments.clone() });
    }
    if renamed { at + 2 } else { at }
}

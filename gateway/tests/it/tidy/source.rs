//! A Rust file as the tidy rules see it: code, comments and literals apart, and the paths that the code names.

/// What a character belongs to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Code,
    Comment,
    Literal,
}

/// One file of the workspace.
pub(crate) struct Source {
    /// From the workspace's folder, with `/`.
    pub(crate) path: String,
    /// As it is.
    pub(crate) text: String,
    /// Comments and literals blanked, tests at the end cut off.
    pub(crate) code: String,
    /// Those tests at the end, everything before them blanked.
    pub(crate) tests: String,
    /// Everything but comments blanked.
    pub(crate) comments: String,
    /// Only comments blanked.
    pub(crate) uncommented: String,
}

/// A path such as `std::net::IpAddr`, grouped imports taken apart, `self` and `super` made absolute.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Path {
    pub(crate) line: usize,
    pub(crate) segments: Vec<String>,
}

impl Path {
    /// Whether it starts with these segments.
    pub(crate) fn starts_with(&self, prefix: &str) -> bool {
        let mut own = self.segments.iter().map(String::as_str);
        prefix.split("::").all(|segment| own.next() == Some(segment))
    }
}

impl Source {
    pub(crate) fn new(path: &str, text: &str) -> Self {
        let kinds = kinds_of(text);
        let keep = |wanted: &[Kind]| -> String {
            let pairs = text.chars().zip(&kinds);
            pairs.map(|(c, kind)| if c == '\n' || wanted.contains(kind) { c } else { ' ' }).collect()
        };
        let all = keep(&[Kind::Code]);
        let end = all.find("#[cfg(test)]\nmod tests {").unwrap_or(all.len());
        Self {
            path: path.to_owned(),
            text: text.to_owned(),
            code: all[..end].to_owned(),
            tests: all[..end].chars().map(|c| if c == '\n' { c } else { ' ' }).chain(all[end..].chars()).collect(),
            comments: keep(&[Kind::Comment]),
            uncommented: keep(&[Kind::Code, Kind::Literal]),
        }
    }

    /// Every name in the code, with its line.
    pub(crate) fn words(&self) -> Vec<(usize, &str)> {
        self.code
            .lines()
            .enumerate()
            .flat_map(|(index, line)| {
                line.split(|c: char| !is_word(c)).filter(|word| !word.is_empty()).map(move |word| (index + 1, word))
            })
            .collect()
    }

    /// Every path of two segments or more.
    pub(crate) fn paths(&self) -> Vec<Path> {
        self.paths_in(&self.code)
    }

    /// The same of the tests at the end.
    pub(crate) fn paths_of_tests(&self) -> Vec<Path> {
        self.paths_in(&self.tests)
    }

    fn paths_in(&self, code: &str) -> Vec<Path> {
        let tokens = tokens_of(code);
        let homes = homes_of(&tokens, &module_of(&self.path));
        let mut paths = Vec::new();
        let mut at = 0;
        while at < tokens.len() {
            let (start, known) = (at, paths.len());
            at = read_path(&tokens, at, &[], &mut paths).max(at + 1);
            for path in &mut paths[known..] {
                make_absolute(&mut path.segments, &homes[start]);
            }
        }
        paths.retain(|path| path.segments.len() > 1);
        paths
    }

    /// Each function's name, first line, and lines of code between its braces.
    pub(crate) fn functions(&self) -> Vec<(String, usize, usize)> {
        let tokens = tokens_of(&self.code);
        let mut found = Vec::new();
        for (at, pair) in tokens.windows(2).enumerate() {
            let [(line, "fn"), (_, name)] = pair else { continue };
            let Some(open) = tokens[at..].iter().position(|(_, t)| matches!(*t, "{" | ";")).map(|n| at + n) else {
                continue;
            };
            if !name.starts_with(is_word) || tokens[open].1 == ";" {
                continue;
            }
            let mut depth = 0;
            let close = tokens[open..].iter().find(|(_, token)| {
                depth += i32::from(*token == "{") - i32::from(*token == "}");
                depth == 0
            });
            let (first, last) = (tokens[open].0, close.map_or(tokens[open].0, |(line, _)| *line));
            let body = self.uncommented.lines().skip(first).take((last - first).saturating_sub(1));
            found.push(((*name).to_owned(), *line, body.filter(|line| !line.trim().is_empty()).count()));
        }
        found
    }
}

pub(super) fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Names, `::` and single signs, each with its line.
pub(super) fn tokens_of(code: &str) -> Vec<(usize, &str)> {
    let mut tokens = Vec::new();
    for (index, line) in code.lines().enumerate() {
        let mut rest = line.trim_start();
        while let Some(first) = rest.chars().next() {
            let length = if is_word(first) {
                rest.find(|c| !is_word(c)).unwrap_or(rest.len())
            } else if rest.starts_with("::") {
                2
            } else {
                first.len_utf8()
            };
            tokens.push((index + 1, &rest[..length]));
            rest = rest[length..].trim_start();
        }
    }
    tokens
}

/// Reads the path that starts at a token, under a prefix; gives the token after it.
fn read_path(tokens: &[(usize, &str)], start: usize, prefix: &[String], paths: &mut Vec<Path>) -> usize {
    let mut segments = prefix.to_vec();
    let mut at = start;
    let token = |at: usize| tokens.get(at).map_or("", |(_, token)| token);
    while token(at).starts_with(is_word) {
        segments.push(token(at).to_owned());
        at += 1;
        if token(at) != "::" {
            break;
        }
        at += 1;
        if token(at) == "{" {
            at += 1;
            while at < tokens.len() && token(at) != "}" {
                at = read_path(tokens, at, &segments, paths).max(at + 1);
            }
            return at + 1;
        }
    }
    if segments.len() > prefix.len() {
        paths.push(Path { line: tokens[start].0, segments });
    }
    at
}

/// The folder of the crate that a file belongs to: `gateway/src`, `gateway/tests/it`, `gateway/benches/sessions`.
pub(super) fn crate_of(path: &str) -> Option<&str> {
    if let Some(at) = path.find("/src/") {
        return Some(&path[..at + "/src".len()]);
    }
    let folder = ["/tests/", "/benches/"].iter().find_map(|name| path.find(name).map(|at| at + name.len()))?;
    path[folder..].find('/').map(|end| &path[..folder + end])
}

/// The module that a file is: `gateway/src/server/session.rs` is `crate::server::session`.
pub(super) fn module_of(path: &str) -> Vec<String> {
    let inside = crate_of(path).map_or("", |folder| &path[folder.len() + 1..]).trim_end_matches(".rs");
    let names = inside.split('/').filter(|name| !name.is_empty() && !matches!(inside, "lib" | "main"));
    std::iter::once("crate").chain(names).map(str::to_owned).collect()
}

/// The module in which each token stands: that of the file, or one with a body in it.
pub(super) fn homes_of(tokens: &[(usize, &str)], file: &[String]) -> Vec<Vec<String>> {
    let mut open: Vec<(String, usize)> = Vec::new();
    let mut depth = 0;
    let mut homes = Vec::with_capacity(tokens.len());
    for (at, (_, token)) in tokens.iter().enumerate() {
        homes.push(file.iter().chain(open.iter().map(|(name, _)| name)).cloned().collect());
        match *token {
            "{" => {
                if at > 1 && tokens[at - 2].1 == "mod" {
                    open.push((tokens[at - 1].1.to_owned(), depth));
                }
                depth += 1;
            }
            "}" => {
                depth = depth.saturating_sub(1);
                open.retain(|(_, outside)| *outside < depth);
            }
            _ => {}
        }
    }
    homes
}

pub(super) fn make_absolute(segments: &mut Vec<String>, home: &[String]) {
    let mut up = home.len();
    let mut used = 0;
    for segment in segments.iter() {
        match segment.as_str() {
            "self" if used == 0 => {}
            "super" => up = up.saturating_sub(1).max(1),
            _ => break,
        }
        used += 1;
    }
    if used > 0 {
        segments.splice(..used, home[..up].iter().cloned());
    }
}

/// Says of each character whether it is code, comment or literal.
fn kinds_of(text: &str) -> Vec<Kind> {
    let chars: Vec<char> = text.chars().collect();
    let mut kinds = vec![Kind::Code; chars.len()];
    let mut at = 0;
    while at < chars.len() {
        let (kind, end) = match (chars[at], chars.get(at + 1)) {
            ('/', Some('/')) => (Kind::Comment, find(&chars, at, &['\n'])),
            ('/', Some('*')) => (Kind::Comment, find(&chars, at + 2, &['*', '/']) + 2),
            ('"', _) => (Kind::Literal, end_of_string(&chars, at + 1)),
            ('r', Some('"' | '#')) if at == 0 || !is_word(chars[at - 1]) || chars[at - 1] == 'b' => {
                end_of_raw(&chars, at).map_or((Kind::Code, at + 1), |end| (Kind::Literal, end))
            }
            ('\'', Some('\\')) => (Kind::Literal, find(&chars, at + 3, &['\'']) + 1),
            ('\'', Some(_)) if chars.get(at + 2) == Some(&'\'') => (Kind::Literal, at + 3),
            _ => (Kind::Code, at + 1),
        };
        let end = end.min(chars.len());
        kinds[at..end].fill(kind);
        at = end;
    }
    kinds
}

fn find(chars: &[char], from: usize, wanted: &[char]) -> usize {
    let from = from.min(chars.len());
    chars[from..].windows(wanted.len()).position(|window| window == wanted).map_or(chars.len(), |n| from + n)
}

fn end_of_string(chars: &[char], mut at: usize) -> usize {
    while at < chars.len() && chars[at] != '"' {
        at += if chars[at] == '\\' { 2 } else { 1 };
    }
    at + 1
}

/// The end of `r"..."` or `r#"..."#`; nothing for a raw identifier.
fn end_of_raw(chars: &[char], at: usize) -> Option<usize> {
    let hashes = chars[at + 1..].iter().take_while(|c| **c == '#').count();
    if chars.get(at + 1 + hashes) != Some(&'"') {
        return None;
    }
    let close: Vec<char> = std::iter::once('"').chain(std::iter::repeat_n('#', hashes)).collect();
    Some(find(chars, at + 2 + hashes, &close) + close.len())
}

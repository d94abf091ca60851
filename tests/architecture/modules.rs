//! The modules of a crate, which of them use which, and the circles among them.
//!
//! A module uses another one if a path in its code leads there, also by way of a name that a third
//! one imports. Comments and what is compiled for tests only are left out.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt::Write;
use std::path::{Path, PathBuf};

use proc_macro2::{Delimiter, Spacing, TokenStream, TokenTree};

/// The names from the root of the crate to a module, or of a path in the code.
type Names = Vec<String>;

/// What the code of one module says.
#[derive(Debug, Default)]
struct Module {
    file: PathBuf,
    items: BTreeSet<String>,
    /// The name that each import gives, and the path behind it.
    imports: Vec<(String, Names)>,
    /// The paths before `::*`.
    globs: Vec<Names>,
    /// Every path in the code, with its line.
    paths: Vec<(Names, usize)>,
}

/// The modules of a crate by their paths; that of the root is empty.
#[derive(Debug, Default)]
pub struct Modules(BTreeMap<Names, Module>);

impl Modules {
    /// Reads a crate from its root file on; `source` gives the text of a file, if it exists.
    pub fn read(root: &Path, source: &dyn Fn(&Path) -> Option<String>) -> Self {
        let mut modules = Self::default();
        modules.read_file(&Vec::new(), root, source);
        modules
    }

    fn read_file(&mut self, name: &Names, file: &Path, source: &dyn Fn(&Path) -> Option<String>) {
        let shown = file.display();
        let text = source(file).unwrap_or_else(|| panic!("there is no {shown}"));
        let tokens: TokenStream = text.parse().unwrap_or_else(|e| panic!("{shown}: {e}"));
        let is_own_folder = name.is_empty() || file.ends_with("mod.rs");
        let folder = if is_own_folder {
            file.parent().expect("a folder").to_owned()
        } else {
            file.with_extension("")
        };
        for (child, inline) in self.read_tokens(name, file, tokens, true) {
            let below = folder.join(inline.join("/"));
            let own = child.last().expect("a name");
            let [flat, nested] =
                [format!("{own}.rs"), format!("{own}/mod.rs")].map(|end| below.join(end));
            let file = if source(&flat).is_some() {
                flat
            } else {
                nested
            };
            self.read_file(&child, &file, source);
        }
    }

    /// Adds what the tokens say to a module.
    ///
    /// Returns the modules that have a file of their own, with the inline modules around them.
    fn read_tokens(
        &mut self,
        name: &Names,
        file: &Path,
        tokens: TokenStream,
        at_top: bool,
    ) -> Vec<(Names, Names)> {
        let mut files = Vec::new();
        let module = self.0.entry(name.clone()).or_default();
        file.clone_into(&mut module.file);
        let tokens = without_tests(tokens);
        let mut at = 0;
        while at < tokens.len() {
            let (rest, before) = (&tokens[at..], &tokens[..at]);
            let module = self.0.get_mut(name).expect("entered above");
            at += 1;
            match rest {
                [TokenTree::Ident(word), TokenTree::Ident(child), next, ..] if word == "mod" => {
                    let mut inner = name.clone();
                    inner.push(child.to_string());
                    if let TokenTree::Group(body) = next {
                        let found = self.read_tokens(&inner, file, body.stream(), true);
                        files.extend(found.into_iter().map(|(path, mut inline)| {
                            inline.insert(0, child.to_string());
                            (path, inline)
                        }));
                    } else {
                        files.push((inner, Vec::new()));
                    }
                    at += 2;
                }
                [TokenTree::Ident(word), next, ..] if word == "use" && !is_punct(next, '<') => {
                    let length = rest.iter().take_while(|token| !is_punct(token, ';'));
                    let tree = &rest[1..length.count()];
                    module.import(tree, &Vec::new());
                    at += tree.len();
                }
                [TokenTree::Ident(word), ..] => {
                    let path = path_from(rest);
                    if path.len() > 1 && !ends_in_colons(before) {
                        module.paths.push((path.clone(), word.span().start().line));
                        at += 3 * (path.len() - 1);
                    } else if at_top && let Some(item) = item(rest) {
                        module.items.insert(item);
                    }
                }
                [TokenTree::Group(group), ..] => {
                    files.extend(self.read_tokens(name, file, group.stream(), false));
                }
                _ => {}
            }
        }
        files
    }

    /// The circles, each as a text with the first lines that make it.
    pub fn circles(&self) -> Vec<String> {
        let mut circles = Vec::new();
        for (parent, uses) in self.uses_between_siblings() {
            let pairs = uses
                .iter()
                .flat_map(|(user, used)| used.keys().map(move |used| (user, used)));
            for (first, second) in pairs {
                let Some(mut circle) = shortest_way(&uses, second, first) else {
                    continue;
                };
                // Each circle is told from its first module on.
                if circle.iter().any(|name| name < first) {
                    continue;
                }
                circle.insert(0, first.clone());
                let place = if parent.is_empty() {
                    "the crate"
                } else {
                    &parent.join("::")
                };
                let mut text = format!("{} in {place}:", circle.join(" → "));
                for pair in circle.windows(2) {
                    for (file, line, path) in uses[&pair[0]][&pair[1]].iter().take(3) {
                        let (file, path) = (file.display(), path.join("::"));
                        write!(text, "\n  {file}:{line}: {path}").expect("in memory");
                    }
                }
                circles.push(text);
            }
        }
        circles
    }

    /// For each module those of its children that use each other, with the lines that do.
    fn uses_between_siblings(&self) -> BTreeMap<Names, Uses> {
        let mut graphs: BTreeMap<Names, Uses> = BTreeMap::new();
        for (user, module) in &self.0 {
            for (path, line) in &module.paths {
                for used in self.leads_to(user, path) {
                    let pairs = user.iter().zip(&used);
                    let common = pairs.take_while(|(a, b)| a == b).count();
                    // A module and what is inside it may use each other.
                    if let (Some(user_side), Some(used_side)) = (user.get(common), used.get(common))
                    {
                        let graph = graphs.entry(user[..common].to_vec()).or_default();
                        let uses = graph.entry(user_side.clone()).or_default();
                        let places = uses.entry(used_side.clone()).or_default();
                        places.insert((module.file.clone(), *line, path.clone()));
                    }
                }
            }
        }
        graphs
    }

    /// The modules that a path in the code of `from` needs.
    fn leads_to(&self, from: &Names, path: &[String]) -> BTreeSet<Names> {
        let mut found = BTreeSet::new();
        self.follow(from, path, &mut found, &mut BTreeSet::new());
        found
    }

    /// Follows a path as it stands in `from`.
    fn follow(
        &self,
        from: &Names,
        path: &[String],
        found: &mut BTreeSet<Names>,
        seen: &mut BTreeSet<(Names, String)>,
    ) {
        let [first, rest @ ..] = path else {
            found.insert(from.clone());
            return;
        };
        match first.as_str() {
            "crate" => self.follow(&Vec::new(), rest, found, seen),
            "self" => self.follow(from, rest, found, seen),
            "super" => self.follow(&from[..from.len() - 1].to_vec(), rest, found, seen),
            _ if !seen.insert((from.clone(), first.clone())) => {}
            _ => {
                found.insert(from.clone());
                let child: Names = from.iter().chain([first]).cloned().collect();
                if self.0.contains_key(&child) {
                    self.follow(&child, rest, found, seen);
                }
                let module = &self.0[from];
                for (_, behind) in module.imports.iter().filter(|(name, _)| name == first) {
                    let whole: Names = behind.iter().chain(rest).cloned().collect();
                    self.follow(from, &whole, found, seen);
                }
                let mut providers = BTreeSet::new();
                for behind in &module.globs {
                    self.follow(from, behind, &mut providers, seen);
                }
                let provides = |provider: &Names| self.0[provider].items.contains(first);
                found.extend(providers.into_iter().filter(provides));
            }
        }
    }
}

impl Module {
    /// Adds what the part of an import below `base` brings.
    fn import(&mut self, tree: &[TokenTree], base: &Names) {
        for branch in tree.split(|token| is_punct(token, ',')) {
            let mut path = base.clone();
            let mut alias = None;
            for (at, token) in branch.iter().enumerate() {
                match token {
                    TokenTree::Ident(word) if word == "as" => {
                        alias = branch.get(at + 1).map(ToString::to_string);
                        break;
                    }
                    TokenTree::Ident(word) => path.push(word.to_string()),
                    TokenTree::Group(group) => {
                        let inner: Vec<TokenTree> = group.stream().into_iter().collect();
                        self.import(&inner, &path);
                        path.clear();
                    }
                    _ if is_punct(token, '*') => self.globs.push(path.clone()),
                    _ => {}
                }
            }
            let Some(first) = branch.first() else {
                continue;
            };
            if path.len() > 1 && path.last().is_some_and(|name| name == "self") {
                path.pop();
            }
            if let Some(last) = path.last() {
                self.imports
                    .push((alias.unwrap_or_else(|| last.clone()), path.clone()));
                self.paths.push((path, first.span().start().line));
            }
        }
    }
}

/// Which module uses which, and the files, lines and paths with which it does.
type Uses = BTreeMap<String, BTreeMap<String, BTreeSet<(PathBuf, usize, Names)>>>;

/// The shortest way from one module to another by what each uses, both included.
fn shortest_way(uses: &Uses, from: &str, to: &str) -> Option<Names> {
    let mut ways = VecDeque::from([vec![from.to_owned()]]);
    let mut reached = BTreeSet::new();
    while let Some(way) = ways.pop_front() {
        let last = way.last()?;
        if last == to {
            return Some(way);
        }
        if reached.insert(last.clone()) {
            for next in uses.get(last).into_iter().flat_map(BTreeMap::keys) {
                ways.push_back(way.iter().chain([next]).cloned().collect());
            }
        }
    }
    None
}

/// Leaves out every item under `#[cfg(test)]`.
fn without_tests(tokens: TokenStream) -> Vec<TokenTree> {
    let mut kept = Vec::new();
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        let is_test = is_punct(&token, '#')
            && tokens
                .peek()
                .is_some_and(|next| next.to_string().replace(' ', "") == "[cfg(test)]");
        if is_test {
            // An item ends with its braces or with a semicolon.
            let _item = tokens.find(|token| {
                let braces = matches!(token, TokenTree::Group(group) if group.delimiter() == Delimiter::Brace);
                braces || is_punct(token, ';')
            });
        } else {
            kept.push(token);
        }
    }
    kept
}

fn is_punct(token: &TokenTree, mark: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == mark)
}

fn starts_with_colons(tokens: &[TokenTree]) -> bool {
    matches!(tokens, [TokenTree::Punct(first), second, ..]
        if first.as_char() == ':' && first.spacing() == Spacing::Joint && is_punct(second, ':'))
}

fn ends_in_colons(tokens: &[TokenTree]) -> bool {
    tokens.len() > 1 && starts_with_colons(&tokens[tokens.len() - 2..])
}

/// The names, joined by `::`, with which the tokens start.
fn path_from(tokens: &[TokenTree]) -> Names {
    let mut names = Vec::new();
    let mut rest = tokens;
    while let [TokenTree::Ident(name), after @ ..] = rest {
        names.push(name.to_string());
        if !starts_with_colons(after) {
            break;
        }
        rest = &after[2..];
    }
    names
}

/// The name of the item whose definition starts here.
fn item(tokens: &[TokenTree]) -> Option<String> {
    const KINDS: [&str; 8] = [
        "const", "enum", "fn", "static", "struct", "trait", "type", "union",
    ];
    match tokens {
        [TokenTree::Ident(kind), TokenTree::Ident(name), ..] => KINDS
            .contains(&kind.to_string().as_str())
            .then(|| name.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The circles of a crate made of these files.
    fn circles(files: &[(&str, &str)]) -> Vec<String> {
        let source = |path: &Path| {
            let found = files.iter().find(|(name, _)| Path::new(name) == path);
            found.map(|(_, text)| (*text).to_owned())
        };
        Modules::read(Path::new("lib.rs"), &source).circles()
    }

    /// The circles of a crate whose modules `a` and `b` hold these texts.
    fn circles_of_two(a: &str, b: &str) -> Vec<String> {
        circles(&[("lib.rs", "mod a; mod b;"), ("a.rs", a), ("b.rs", b)])
    }

    #[test]
    fn a_circle_is_told_with_its_lines() {
        let found = circles(&[
            ("lib.rs", "mod a;\nmod b;\nmod c;\nmod d;"),
            ("a.rs", "\nuse crate::b::B;\nfn f() { crate::d::f() }"),
            ("b/mod.rs", "mod inner;"),
            (
                "b/inner.rs",
                "// first\n\nuse super::super::c::{self, C as D};",
            ),
            ("c.rs", "pub fn f() -> super::a::A { todo!() }"),
            ("d.rs", "pub fn f() {}"),
        ]);
        let expected = "a → b → c → a in the crate:\n  a.rs:2: crate::b::B\n  \
                        b/inner.rs:3: super::super::c\n  b/inner.rs:3: super::super::c::C\n  \
                        c.rs:1: super::a::A";
        assert_eq!(found, [expected]);
    }

    #[test]
    fn modules_and_what_is_inside_them_may_use_each_other() {
        let found = circles(&[
            ("lib.rs", "mod a; pub use a::b::f; pub struct S;"),
            (
                "a.rs",
                "pub mod b; mod c { use super::A; } use b::f; struct A(c::C);",
            ),
            ("a/b.rs", "use super::A; use crate::S; pub fn f() {}"),
        ]);
        assert_eq!(found, [""; 0]);
    }

    #[test]
    fn circles_are_found_inside_of_modules() {
        let inside = "mod x { use super::y::Y; } mod y { fn f() { vec![super::x::X] } }";
        let found = circles(&[("lib.rs", "mod a;"), ("a.rs", inside)]);
        assert_eq!(found.len(), 1);
        assert!(
            found[0].starts_with("x → y → x in a:\n  a.rs:1: "),
            "{}",
            found[0]
        );
    }

    #[test]
    fn files_of_inline_modules_lie_in_their_folder() {
        let found = circles(&[
            ("lib.rs", "mod a { mod x; mod y; }"),
            ("a/x.rs", "use super::y::Y;"),
            ("a/y/mod.rs", "use crate::a::x::X;"),
        ]);
        assert_eq!(found.len(), 1);
    }

    #[test]
    fn comments_texts_and_tests_make_no_circle() {
        let use_b = "use crate::b::B;";
        for a in [
            "// crate::b::f()\n/// [`crate::b::f`]\nfn f() {}",
            "fn f() { g(\"crate::b::f\", '\"'); }",
            "#[cfg(test)]\nmod tests { use crate::b::B; }",
            "#[cfg(test)] #[allow(dead_code)] fn f() -> crate::b::B { B }",
            "#[cfg(test)] use crate::b::B;",
            "#[cfg(test)] mod b_of_tests;",
            "use other::b::B;",
            "pub(in crate) fn f() -> impl Sized + use<> {}",
        ] {
            assert_eq!(circles_of_two(a, "use crate::a::A;"), [""; 0], "{a}");
        }
        assert_eq!(circles_of_two(use_b, "use crate::a::A;").len(), 1);
    }

    #[test]
    fn circles_by_way_of_other_names_are_found() {
        for (root, a) in [
            ("pub use b::B;", "use crate::B;"),
            ("use b::B as Other;", "use super::{Other};"),
            ("pub use b::*;", "use crate::B;"),
            ("", "use crate as root; fn f() { root::b::f() }"),
            ("", "use super::b; type T = b::B;"),
            (
                "macro_rules! m { () => { $crate::b::B } }",
                "use super::b as c;",
            ),
        ] {
            let found = circles(&[
                ("lib.rs", &format!("mod a; mod b; {root}")),
                ("a.rs", a),
                ("b.rs", "use crate::a::A; pub struct B;"),
            ]);
            assert_eq!(found.len(), 1, "{root} {a}: {found:?}");
        }
    }
}

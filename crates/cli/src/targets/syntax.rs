//! How targets and starts are written, and what to say about those that are written otherwise.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// The path in `kind:PATH`.
pub(crate) fn file(kind: &str, path: &str) -> Result<PathBuf, String> {
    if path.is_empty() {
        return Err(format!(
            "expected {kind}:PATH with the path of a file, not '{kind}:'"
        ));
    }
    Ok(PathBuf::from(path))
}

/// The text, if it is UTF-8; configuration files can hold no other paths.
pub(crate) fn utf8(text: &OsStr) -> Result<&str, String> {
    text.to_str().ok_or_else(|| {
        let text = text.display();
        format!("expected a path in UTF-8, not '{text}'; rename the file, or read csv:- or npy:- from it")
    })
}

/// Finite numbers `x1,x2,…`, at least one.
pub(crate) fn numbers(text: &str) -> Result<Vec<f64>, String> {
    let number = |field: &str| {
        let number = field.trim().parse().ok();
        let number = number.filter(|number: &f64| number.is_finite());
        number.ok_or_else(|| format!("expected finite numbers x1,x2,…, not '{field:.100}'"))
    };
    text.split(',').map(number).collect()
}

/// What to say about `text`, which has none of the accepted forms such as `circle` or `csv:PATH`.
pub(crate) fn unknown(text: &str, forms: &[&str]) -> String {
    let hint = nearest(text, forms).or_else(|| by_extension(text, forms));
    let hint = hint.map_or(String::new(), |hint| format!("; did you mean '{hint}'?"));
    format!("expected {}, not '{text:.200}'{hint}", forms.join(", "))
}

/// The form whose name differs from the text's by a few letters.
fn nearest(text: &str, forms: &[&str]) -> Option<String> {
    const LONGEST: usize = 40;
    let (name, argument) = split(text);
    if name.len() > LONGEST {
        return None;
    }
    let distance = |form: &&&str| strsim::damerau_levenshtein(&name.to_lowercase(), split(form).0);
    let form = forms.iter().min_by_key(distance)?;
    if distance(&form) > 1 + name.chars().count() / 4 {
        return None;
    }
    match (split(form), argument) {
        ((name, Some(_)), Some(argument)) => Some(format!("{name}:{argument:.200}")),
        ((name, None), _) => Some(name.to_owned()),
        (_, None) => Some((*form).to_owned()),
    }
}

fn split(text: &str) -> (&str, Option<&str>) {
    text.split_once(':')
        .map_or((text, None), |(name, argument)| (name, Some(argument)))
}

/// The form that reads files with the text's extension, if the text is such a file's name.
fn by_extension(text: &str, forms: &[&str]) -> Option<String> {
    let extension = Path::new(text).extension()?.to_str()?.to_lowercase();
    let kind = match extension.as_str() {
        "png" | "jpg" | "jpeg" | "webp" => "image",
        "csv" => "csv",
        "npy" => "npy",
        _ => return None,
    };
    let readable = forms.iter().any(|form| split(form) == (kind, Some("PATH")));
    readable.then(|| format!("{kind}:{text:.200}"))
}

//! SPIN models: each `.pml` under a crate's `models/` must hold, and each mistake it names must fail.
//!
//! A model names its mistakes in a line `variants: A B C`; each is a symbol that turns the mistake on.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Runs every model, or says that the checker is not installed.
///
/// # Errors
/// When a model fails, or a variant holds.
pub(crate) fn run(root: &Path) -> Result<(), String> {
    if Command::new("spin").arg("-V").output().is_err() {
        println!("spin is not installed (Debian has it as `spin`): models are skipped");
        return Ok(());
    }
    let models = models(root)?;
    if models.is_empty() {
        return Err("there are no models under crates/*/models".into());
    }
    for model in models {
        let text = std::fs::read_to_string(&model).map_err(|e| e.to_string())?;
        let name = model.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let scratch = root.join("target/spin").join(&name);
        std::fs::create_dir_all(&scratch).map_err(|e| e.to_string())?;
        for variant in std::iter::once(None).chain(variants(&text).into_iter().map(Some)) {
            let holds = holds(&scratch, &model, variant)?;
            let shown = variant.unwrap_or("as it is");
            println!("{name:16} {shown:12} {}", if holds { "holds" } else { "fails" });
            if holds != variant.is_none() {
                return Err(format!("{name}, {shown}: the opposite was expected"));
            }
        }
    }
    Ok(())
}

/// The models of all crates.
fn models(root: &Path) -> Result<Vec<PathBuf>, String> {
    let mut found = Vec::new();
    for member in std::fs::read_dir(root.join("crates")).map_err(|e| e.to_string())? {
        let models = member.map_err(|e| e.to_string())?.path().join("models");
        for model in std::fs::read_dir(models).into_iter().flatten() {
            found.push(model.map_err(|e| e.to_string())?.path());
        }
    }
    found.retain(|path| path.extension().is_some_and(|extension| extension == "pml"));
    found.sort();
    Ok(found)
}

/// The mistakes a model names.
fn variants(text: &str) -> Vec<&str> {
    let named = text.lines().find_map(|line| line.split_once("variants:"));
    named.map(|(_, names)| names.split_whitespace().collect()).unwrap_or_default()
}

/// Whether no assertion of the model fails in any interleaving.
fn holds(scratch: &Path, model: &Path, variant: Option<&str>) -> Result<bool, String> {
    let mut spin = Command::new("spin");
    spin.arg("-a").args(variant.map(|name| format!("-D{name}"))).arg(model);
    output(&mut spin, scratch)?;
    output(Command::new("cc").args(["-O2", "-DSAFETY", "-o", "pan", "pan.c"]), scratch)?;
    let report = output(Command::new(scratch.join("pan")).arg("-m100000"), scratch)?;
    if report.contains("too small") || report.contains("out of memory") {
        return Err(format!("the search was cut short:\n{report}"));
    }
    let errors = report.split("errors: ").nth(1).ok_or("the checker reported nothing")?;
    Ok(errors.starts_with("0"))
}

/// What a command prints.
fn output(command: &mut Command, scratch: &Path) -> Result<String, String> {
    let shown = format!("{command:?}");
    let output = command.current_dir(scratch).output().map_err(|e| format!("{shown}: {e}"))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    if !output.status.success() && !text.contains("errors: ") {
        return Err(format!("{shown} failed:\n{text}{}", String::from_utf8_lossy(&output.stderr)));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variants_are_named_in_a_comment() {
        assert_eq!(variants("/* a\n * variants: ONE TWO\n */\nbyte x;"), ["ONE", "TWO"]);
        assert!(variants("byte x;").is_empty());
    }
}

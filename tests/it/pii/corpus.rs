//! What the fuzzer has tried (`fuzz/run`), once more: the inputs that reach the most, and those that once broke a law.

use std::fs;
use std::path::Path;

#[path = "../../../fuzz/laws/mod.rs"]
mod laws;

#[test]
fn every_input_of_the_fuzzer_obeys_the_laws() {
    for (target, law) in [
        ("escape", laws::escape as fn(&[u8])),
        ("number", laws::number),
        ("key", laws::key),
        ("split", laws::split),
    ] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
        let inputs: Vec<_> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        assert!(inputs.len() > 50, "{target}: {}", inputs.len());
        for input in inputs {
            law(&fs::read(input).unwrap());
        }
    }
}

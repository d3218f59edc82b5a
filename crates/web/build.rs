//! Has Cargo embed the interface anew whenever it was built anew.

fn main() {
    let built = "../../web/dist";
    // Cargo watches only what exists; a path that does not would have it rebuild every time.
    // Where the folder cannot be made, the interface is just not noticed until something else changes.
    let _ = std::fs::create_dir_all(built);
    println!("cargo:rerun-if-changed={built}");
}

//! x
fn main() {
    let _ = codex_arg0::arg0_dispatch();
}

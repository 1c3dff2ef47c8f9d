//! Reads the files of skills, as far as a skill's can be long: a repository has as many as it likes, and they are read before anybody asks for one.

use std::io;

use codex_exec_server::ExecutorFileSystem;
use codex_utils_path_uri::PathUri;

const MAX_BYTES: u64 = 1 << 20;

pub(crate) async fn read(fs: &dyn ExecutorFileSystem, path: &PathUri) -> io::Result<String> {
    let size = fs.get_metadata(path, /*sandbox*/ None).await?.size;
    if size > MAX_BYTES {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, format!("a file of a skill may have {MAX_BYTES} bytes, not {size}")));
    }
    fs.read_file_text(path, /*sandbox*/ None).await
}

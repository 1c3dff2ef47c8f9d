//! How large an image may be that a file or an MCP server has: it is held in memory several times, decoded too, and a small file may be a huge picture.

use std::io::Cursor;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use codex_utils_image::EncodedImage;
use codex_utils_image::ImageProcessingError;
use codex_utils_image::PromptImageMode;
use codex_utils_image::load_data_url_for_prompt;
use image::ImageDecoder;
use image::ImageReader;

use crate::function_tool::FunctionCallError;

/// Bytes of an image's file.
const MAX_FILE: usize = 48 << 20;
/// Bytes of its decoded pixels: 64 million of 4 bytes.
const MAX_PIXELS: usize = 256 << 20;

/// Refuses a file that is too large to be looked at; the error is for the model.
pub(crate) fn check_size(size: u64, path: &str) -> Result<(), FunctionCallError> {
    if size > MAX_FILE as u64 {
        return Err(FunctionCallError::RespondToModel(format!(
            "image at `{path}` has {size} bytes, more than the {MAX_FILE} that may be looked at; make a smaller one of it"
        )));
    }
    Ok(())
}

/// The image of a data URL, unless it is too large.
pub(crate) fn load(url: &str, mode: PromptImageMode) -> Result<EncodedImage, ImageProcessingError> {
    let too_large = |representation, size, max| Err(ImageProcessingError::ImageTooLarge { representation, size, max });
    let encoded = url.split_once(',').map(|(_, encoded)| encoded).unwrap_or_default();
    if encoded.len() / 4 * 3 > MAX_FILE + 2 {
        return too_large("base64 payload", encoded.len(), MAX_FILE);
    }
    // What is no image is for the engine to say.
    if let Some(size) = STANDARD.decode(encoded).ok().as_deref().and_then(decoded_size)
        && size > MAX_PIXELS
    {
        return too_large("decoded pixels", size, MAX_PIXELS);
    }
    load_data_url_for_prompt(url, mode)
}

fn decoded_size(bytes: &[u8]) -> Option<usize> {
    let decoder = ImageReader::new(Cursor::new(bytes)).with_guessed_format().ok()?.into_decoder().ok()?;
    Some(usize::try_from(decoder.total_bytes()).unwrap_or(usize::MAX))
}

//! What `image`, `audio` and `generatedImage` accept: data URLs, objects that hold one, and blocks of MCP results.

use codex_code_mode_protocol::DEFAULT_IMAGE_DETAIL;
use codex_code_mode_protocol::FunctionCallOutputContentItem;
use codex_code_mode_protocol::ImageDetail;
use rquickjs::Object;
use rquickjs::Value;

use crate::values::Failure;
use crate::values::rust_string;

const IMAGE_EXPECTS: &str =
    "image expects a non-empty image URL string, an object with image_url and optional detail, or a raw MCP image block";
const AUDIO_EXPECTS: &str = "audio expects a non-empty audio URL string, an object with audio_url, or a raw MCP audio block";
const DETAIL_META: &str = "codex/imageDetail";

/// What an item takes.
pub(crate) fn bytes(item: &FunctionCallOutputContentItem) -> usize {
    match item {
        FunctionCallOutputContentItem::InputText { text } => text.len(),
        FunctionCallOutputContentItem::InputImage { image_url, .. } => image_url.len(),
        FunctionCallOutputContentItem::InputAudio { audio_url } => audio_url.len(),
    }
}

/// The item of `image(value, detail)`.
pub(crate) fn image(value: &Value<'_>, detail: Option<&Value<'_>>) -> Result<FunctionCallOutputContentItem, Failure> {
    let overriding = detail.map_or(Ok(None), detail_argument)?;
    let (image_url, own) = if let Some(url) = value.as_string() {
        (rust_string(url)?, None)
    } else {
        let object = plain_object(value).ok_or(IMAGE_EXPECTS)?;
        match member(object, "image_url")? {
            Some(url) => {
                let url = url.as_string().ok_or(IMAGE_EXPECTS)?;
                let detail = member(object, "detail")?.as_ref().map_or(Ok(None), detail_argument)?;
                (rust_string(url)?, detail)
            }
            None => (mcp_block(object, "image", IMAGE_EXPECTS)?, mcp_detail(object)?),
        }
    };
    check_url(&image_url, "image", IMAGE_EXPECTS)?;
    let detail = match overriding.or(own) {
        Some(name) => parse_detail(&name).ok_or("image detail must be one of: auto, low, high, original")?,
        None => DEFAULT_IMAGE_DETAIL,
    };
    Ok(FunctionCallOutputContentItem::InputImage { image_url, detail: Some(detail) })
}

/// The item of `audio(value)`.
pub(crate) fn audio(value: &Value<'_>) -> Result<FunctionCallOutputContentItem, Failure> {
    let audio_url = if let Some(url) = value.as_string() {
        rust_string(url)?
    } else {
        let object = plain_object(value).ok_or(AUDIO_EXPECTS)?;
        match member(object, "audio_url")? {
            Some(url) => rust_string(url.as_string().ok_or(AUDIO_EXPECTS)?)?,
            None => mcp_block(object, "audio", AUDIO_EXPECTS)?,
        }
    };
    check_url(&audio_url, "audio", AUDIO_EXPECTS)?;
    Ok(FunctionCallOutputContentItem::InputAudio { audio_url })
}

/// The hint of `generatedImage(value)`, which follows its image.
pub(crate) fn output_hint(value: &Value<'_>) -> Result<Option<String>, Failure> {
    let object = value.as_object().ok_or("generatedImage expects an image generation result object")?;
    match member(object, "output_hint")? {
        None => Ok(None),
        Some(hint) => match hint.as_string() {
            Some(hint) => Ok(Some(rust_string(hint)?)),
            None => Err("generatedImage output_hint must be a string when provided".into()),
        },
    }
}

fn plain_object<'a, 'js>(value: &'a Value<'js>) -> Option<&'a Object<'js>> {
    value.as_object().filter(|_| !value.is_array())
}

/// A property, None when it is undefined.
fn member<'js>(object: &Object<'js>, name: &str) -> Result<Option<Value<'js>>, Failure> {
    let value = object.get::<_, Value<'js>>(name)?;
    Ok(Some(value).filter(|value| !value.is_undefined()))
}

fn text_member(object: &Object<'_>, name: &str) -> Result<Option<String>, Failure> {
    match member(object, name)?.as_ref().and_then(Value::as_string) {
        Some(text) => Ok(Some(rust_string(text)?)),
        None => Ok(None),
    }
}

fn detail_argument(value: &Value<'_>) -> Result<Option<String>, Failure> {
    if value.is_undefined() || value.is_null() {
        return Ok(None);
    }
    match value.as_string() {
        Some(text) => Ok(Some(rust_string(text)?)),
        None => Err("image detail must be a string when provided".into()),
    }
}

fn parse_detail(name: &str) -> Option<ImageDetail> {
    match name.to_ascii_lowercase().as_str() {
        "auto" => Some(ImageDetail::Auto),
        "low" => Some(ImageDetail::Low),
        "high" => Some(ImageDetail::High),
        "original" => Some(ImageDetail::Original),
        _ => None,
    }
}

/// The data URL of a block of an MCP result.
fn mcp_block(object: &Object<'_>, kind: &str, expects: &str) -> Result<String, Failure> {
    let found = text_member(object, "type")?.ok_or(expects)?;
    if found != kind {
        return Err(Failure::Text(format!("{kind} only accepts MCP {kind} blocks, got \"{found}\"")));
    }
    let data = text_member(object, "data")?.filter(|data| !data.is_empty());
    let data = data.ok_or_else(|| Failure::Text(format!("{kind} expected MCP {kind} data")))?;
    if data.get(..5).is_some_and(|scheme| scheme.eq_ignore_ascii_case("data:")) {
        return Ok(data);
    }
    let named = |name| Ok::<_, Failure>(text_member(object, name)?.filter(|mime_type: &String| !mime_type.is_empty()));
    let mime_type = match named("mimeType")? {
        Some(mime_type) => mime_type,
        None => named("mime_type")?.unwrap_or_else(|| "application/octet-stream".to_string()),
    };
    Ok(format!("data:{mime_type};base64,{data}"))
}

/// The detail that a block of an MCP result asks for; what is none is no error there, since other programs make them.
fn mcp_detail(object: &Object<'_>) -> Result<Option<String>, Failure> {
    let meta = member(object, "_meta")?;
    let Some(meta) = meta.as_ref().and_then(Value::as_object) else {
        return Ok(None);
    };
    Ok(text_member(meta, DETAIL_META)?.filter(|detail| matches!(detail.as_str(), "auto" | "low" | "high" | "original")))
}

fn check_url(url: &str, kind: &str, expects: &str) -> Result<(), Failure> {
    if url.is_empty() {
        return Err(expects.into());
    }
    let scheme = url.split_once(':').map_or("", |(scheme, _)| scheme);
    if kind == "image" && (scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https")) {
        return Err("Tool call failed: remote image URLs are not supported in tool outputs. Pass a base64 data URI instead".into());
    }
    if !scheme.eq_ignore_ascii_case("data") {
        return Err(Failure::Text(format!("Tool call failed: invalid {kind} output. Pass a base64 data URI instead")));
    }
    Ok(())
}

//! The address of a git remote without what may be a secret in it. It goes to the model provider and into session files.

/// Longer addresses are left out: a repository may come from anywhere.
const LONGEST: usize = 1024;

/// The address without user names, passwords, queries and fragments; the user `git`, which is everybody's, stays. None where nothing is certain to be left
/// that is no secret: such an address is not told at all.
pub fn without_secrets(url: &str) -> Option<String> {
    let url = url.trim();
    if url.is_empty() || url.len() > LONGEST || url.chars().any(char::is_control) {
        return None;
    }
    // `name::address` is for the helper `git-remote-name`: the address of `ext` and `fd` is no address but a command.
    if let Some((helper, address)) = url.split_once("::")
        && !helper.is_empty()
        && helper.chars().all(|letter| letter.is_ascii_alphanumeric() || "+-._".contains(letter))
    {
        let known = !matches!(helper.to_ascii_lowercase().as_str(), "ext" | "fd");
        return known.then(|| without_secrets(address)).flatten().map(|address| format!("{helper}::{address}"));
    }
    let cleaned = match url.split_once("://") {
        Some((scheme, rest)) => clean_url(scheme, rest)?,
        None => clean_path(url)?,
    };
    // What looks like a user name and a password in some other place, behind a third slash or encoded, was not understood above.
    let (_, rest) = cleaned.split_once("://").unwrap_or(("", &cleaned));
    let rest = rest.strip_prefix("git@").unwrap_or(rest).to_ascii_lowercase().replace("%3a", ":").replace("%40", "@");
    let doubtful = rest.rsplit_once('@').is_some_and(|(before, _)| before.contains(':'));
    (!doubtful).then_some(cleaned)
}

fn clean_url(scheme: &str, rest: &str) -> Option<String> {
    if scheme.is_empty() || !scheme.chars().all(|letter| letter.is_ascii_alphanumeric() || "+-.".contains(letter)) {
        return None;
    }
    let rest = without_query(rest);
    let (authority, path) = rest.split_at(rest.find(['/', '\\']).unwrap_or(rest.len()));
    let (user, host) = split_user(authority);
    if host.is_empty() && !scheme.eq_ignore_ascii_case("file") {
        return None;
    }
    // A password with a slash in it looks like a port that is no number; a host with `%` may be a user name whose `@` is encoded.
    let (name, port) = match host.rsplit_once(':') {
        Some((name, port)) if !host.ends_with(']') => (name, port),
        _ => (host, ""),
    };
    if !port.chars().all(|digit| digit.is_ascii_digit()) || (name.contains('%') && !name.starts_with('[')) {
        return None;
    }
    let user = if user == Some("git") { "git@" } else { "" };
    Some(format!("{scheme}://{user}{host}{path}"))
}

/// `host:path`, as ssh has it, or a path of this machine.
fn clean_path(url: &str) -> Option<String> {
    if url.starts_with(['/', '.', '~']) {
        return Some(url.to_string());
    }
    let url = without_query(url);
    let (head, path) = url.split_at(url.find(['/', '\\']).unwrap_or(url.len()));
    let (user, rest) = split_user(head);
    if rest.is_empty() {
        return None;
    }
    let user = if user == Some("git") { "git@" } else { "" };
    Some(format!("{user}{rest}{path}"))
}

fn split_user(authority: &str) -> (Option<&str>, &str) {
    match authority.rsplit_once('@') {
        Some((user, host)) => (Some(user), host),
        None => (None, authority),
    }
}

fn without_query(url: &str) -> &str {
    url.find(['?', '#']).map_or(url, |end| &url[..end])
}

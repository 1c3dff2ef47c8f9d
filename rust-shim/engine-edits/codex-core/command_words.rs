//! The words of a command line as a shell takes them, for the checks of commands: quotes and escapes are taken off, braces expanded, and commands that only
//! start another one are looked through. What cannot be told from the text is for the sandbox.

use codex_shell_command::bash::extract_bash_command;
use codex_shell_command::bash::parse_shell_lc_plain_commands;
use codex_shell_command::is_dangerous_command::DangerousCommandMatch;
use codex_shell_command::is_dangerous_command::dangerous_command_match;
use codex_shell_command::is_safe_command::is_known_safe_command;

/// One word.
#[derive(Clone, Default)]
struct Word {
    text: String,
    /// A pattern of file names, or a variable: the text is not what the command gets.
    open: bool,
    quoted: bool,
}

/// Programs that run what their arguments say, or write to files that they name. Names of files could be such arguments.
const CAREFUL: [&str; 4] = ["find", "rg", "base64", "sed"];

/// Options with a value of the commands that start another one.
const VALUES: [(&str, &[&str]); 10] = [
    ("sudo", &["-u", "-g", "-h", "-p", "-C", "-D", "-R", "-T", "-U", "-r", "-t", "--user", "--group", "--chdir"]),
    ("doas", &["-u", "-C"]),
    ("env", &["-u", "--unset", "-C", "--chdir"]),
    ("nice", &["-n", "--adjustment"]),
    ("ionice", &["-c", "-n", "--class", "--classdata"]),
    ("timeout", &["-s", "-k", "--signal", "--kill-after"]),
    ("xargs", &["-I", "-n", "-P", "-L", "-s", "-d", "-E", "-a", "--max-args", "--max-procs", "--delimiter", "--arg-file", "--replace"]),
    ("stdbuf", &["-i", "-o", "-e", "--input", "--output", "--error"]),
    ("exec", &["-a"]),
    ("time", &["-f", "-o", "--format", "--output"]),
];
/// Those without.
const PLAIN: [&str; 15] =
    ["command", "builtin", "nohup", "setsid", "busybox", "if", "elif", "then", "else", "while", "until", "do", "coproc", "!", "{"];

/// The commands of a shell's script that has nothing but commands and what stands between them; and whether what is to be run without asking must not count on
/// their words alone.
pub(crate) fn plain(command: &[String]) -> Option<(Vec<Vec<String>>, bool)> {
    let upstream = parse_shell_lc_plain_commands(command).filter(|commands| !commands.is_empty())?;
    let (_, script) = extract_bash_command(command)?;
    let mut found = Vec::new();
    Reader::new(script).commands(&mut found, 0);
    if found.len() != upstream.len() {
        return Some((upstream, true));
    }
    let unsure = found.iter().any(|words| {
        words.first().is_some_and(|word| word.open || CAREFUL.contains(&name(&word.text))) && words.iter().any(|word| word.open)
    });
    Some((found.into_iter().map(texts).collect(), unsure))
}

/// Whether a command is known to be harmless. Git is not: it runs what a repository's configuration names.
pub(crate) fn is_known_safe(command: &[String]) -> bool {
    command.first().is_some_and(|program| name(program) != "git") && is_known_safe_command(command)
}

/// Whether a command is dangerous: as upstream has it, and through what it hides behind.
pub(crate) fn danger(command: &[String]) -> Option<DangerousCommandMatch> {
    let word = |text: &String| Word { text: text.clone(), open: text.contains(['*', '?', '[']), ..Word::default() };
    dangerous_command_match(command).or_else(|| words_danger(command.iter().map(word).collect(), 0))
}

/// Nested scripts; the words of one command get fewer with each step, so those need no limit.
const DEEPEST: usize = 32;

fn words_danger(mut words: Vec<Word>, depth: usize) -> Option<DangerousCommandMatch> {
    loop {
        let program = words.first()?.clone();
        let called = name(&program.text).to_string();
        let arguments = &words[1..];
        if program.open && called != "$" && matches(&called, "rm") && forced(arguments) {
            // Some pattern that the name of rm fits.
            return Some(DangerousCommandMatch::Other);
        }
        match called.as_str() {
            "rm" if forced(arguments) => return Some(DangerousCommandMatch::ForcedRm),
            "find" => return find_danger(arguments, depth),
            "sh" | "bash" | "zsh" | "dash" | "ksh" | "ash" => {
                let script = arguments
                    .iter()
                    .position(|word| word.text.starts_with('-') && !word.text.starts_with("--") && word.text.contains('c'))?;
                return script_danger(&arguments.get(script + 1)?.text, depth + 1);
            }
            "eval" => return script_danger(&texts(arguments.to_vec()).join(" "), depth + 1),
            "trap" => return script_danger(&arguments.iter().find(|word| word.text != "--")?.text, depth + 1),
            _ => {}
        }
        let values = VALUES.iter().find(|(starter, _)| *starter == called).map(|(_, values)| *values);
        if values.is_none() && !PLAIN.contains(&called.as_str()) {
            return None;
        }
        let mut rest = 1;
        while let Some(word) = words.get(rest) {
            if matches!(word.text.as_str(), "-S" | "--split-string") && called == "env" {
                let script = texts(words[rest + 1..].to_vec()).join(" ");
                return script_danger(&script, depth + 1);
            }
            if word.text.starts_with('-') && word.text.len() > 1 {
                rest += if values.is_some_and(|values| values.contains(&word.text.as_str())) { 2 } else { 1 };
            } else if is_assignment(&word.text) {
                rest += 1;
            } else {
                break;
            }
        }
        if called == "timeout" {
            rest += 1; // how long
        }
        words = words.split_off(rest.min(words.len()));
    }
}

fn find_danger(arguments: &[Word], depth: usize) -> Option<DangerousCommandMatch> {
    if arguments.iter().any(|word| word.text == "-delete") {
        return Some(DangerousCommandMatch::Other);
    }
    let runs = |word: &Word| matches!(word.text.as_str(), "-exec" | "-execdir" | "-ok" | "-okdir");
    let starts = arguments.iter().enumerate().filter(|(_, word)| runs(word)).map(|(at, _)| at + 1);
    starts.into_iter().find_map(|at| {
        words_danger(arguments[at..].iter().take_while(|word| word.text != ";" && word.text != "+").cloned().collect(), depth)
    })
}

fn script_danger(script: &str, depth: usize) -> Option<DangerousCommandMatch> {
    if depth > DEEPEST {
        return Some(DangerousCommandMatch::Other);
    }
    let mut commands = Vec::new();
    Reader::new(script).commands(&mut commands, depth);
    commands.into_iter().find_map(|mut words| {
        while words.first().is_some_and(|word| !word.quoted && is_assignment(&word.text)) {
            words.remove(0);
        }
        words_danger(words, depth)
    })
}

fn forced(arguments: &[Word]) -> bool {
    arguments.iter().take_while(|word| word.text != "--").any(|word| match word.text.strip_prefix("--") {
        // GNU takes the beginning of an option for the whole.
        Some(long) => !long.is_empty() && "force".starts_with(long),
        None => word.text.strip_prefix('-').is_some_and(|flags| flags.contains('f')),
    })
}

fn is_assignment(word: &str) -> bool {
    word.split_once('=').is_some_and(|(variable, _)| {
        !variable.is_empty()
            && !variable.starts_with(|c: char| c.is_ascii_digit())
            && variable.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    })
}

fn name(program: &str) -> &str {
    program.rsplit('/').next().unwrap_or(program)
}

fn texts(words: Vec<Word>) -> Vec<String> {
    words.into_iter().map(|word| word.text).collect()
}

/// Whether a file name of this text fits a shell's pattern. A variable in it may be anything.
fn matches(pattern: &str, text: &str) -> bool {
    let mut rest = pattern.chars();
    match (rest.next(), text.chars().next()) {
        (None, end) => end.is_none(),
        (Some('*' | '$'), next) => matches(rest.as_str(), text) || next.is_some_and(|c| matches(pattern, &text[c.len_utf8()..])),
        (Some('?'), Some(c)) => matches(rest.as_str(), &text[c.len_utf8()..]),
        (Some('['), Some(c)) => match rest.as_str().split_once(']') {
            // Which characters it has is not looked at: all of them might be.
            Some((_, after)) => matches(after, &text[c.len_utf8()..]),
            None => false,
        },
        (Some(one), Some(c)) if one == c => matches(rest.as_str(), &text[c.len_utf8()..]),
        _ => false,
    }
}

/// Reads a script from left to right, as far as words go; what is between them ends a command.
struct Reader<'a> {
    rest: std::iter::Peekable<std::str::Chars<'a>>,
    /// Ends of here-documents whose text begins with the next line, and whether a shell reads it.
    documents: Vec<String>,
}

impl<'a> Reader<'a> {
    fn new(script: &'a str) -> Self {
        Self { rest: script.chars().peekable(), documents: Vec::new() }
    }

    /// All commands, those in substitutions too.
    fn commands(&mut self, found: &mut Vec<Vec<Word>>, depth: usize) {
        let mut words: Vec<Word> = Vec::new();
        while let Some(&c) = self.rest.peek() {
            match c {
                ' ' | '\t' | '\r' => {
                    self.rest.next();
                }
                '\n' | ';' | '&' | '|' | '(' | ')' => {
                    self.rest.next();
                    let reads = words.first().is_some_and(|word| ["sh", "bash", "zsh", "dash"].contains(&name(&word.text)));
                    end(&mut words, found);
                    if c == '\n' {
                        self.skip_documents(reads, found, depth);
                    }
                }
                '#' => while self.rest.next_if(|c| *c != '\n').is_some() {},
                '<' | '>' => self.redirection(found, depth),
                _ => {
                    let word = self.word(found, depth);
                    // A file descriptor before a redirection is none of the command's words.
                    let descriptor = matches!(self.rest.peek(), Some('<' | '>')) && word.text.chars().all(|c| c.is_ascii_digit());
                    if !descriptor {
                        words.extend(braces(word));
                    }
                }
            }
        }
        end(&mut words, found);
    }

    fn redirection(&mut self, found: &mut Vec<Vec<Word>>, depth: usize) {
        let mut operator = String::new();
        while let Some(c) = self.rest.next_if(|c| matches!(c, '<' | '>' | '&' | '|' | '-')) {
            operator.push(c);
        }
        while self.rest.next_if(|c| matches!(c, ' ' | '\t')).is_some() {}
        if self.rest.peek() == Some(&'(') {
            return; // a command in the place of a file
        }
        let target = self.word(found, depth);
        if operator.starts_with("<<") && !operator.starts_with("<<<") {
            self.documents.push(target.text);
        }
    }

    /// Here-documents are no commands, but for a shell that reads them.
    fn skip_documents(&mut self, read: bool, found: &mut Vec<Vec<Word>>, depth: usize) {
        for end in std::mem::take(&mut self.documents) {
            let mut text = String::new();
            loop {
                let mut line = String::new();
                let mut ended = true;
                for c in self.rest.by_ref() {
                    if c == '\n' {
                        ended = false;
                        break;
                    }
                    line.push(c);
                }
                if line.trim_start_matches('\t') == end {
                    break;
                }
                text.push_str(&line);
                text.push('\n');
                if ended {
                    break;
                }
            }
            if read && depth < DEEPEST {
                Reader::new(&text).commands(found, depth + 1);
            }
        }
    }

    fn word(&mut self, found: &mut Vec<Vec<Word>>, depth: usize) -> Word {
        let mut word = Word::default();
        while let Some(&c) = self.rest.peek() {
            match c {
                ' ' | '\t' | '\r' | '\n' | ';' | '&' | '|' | '(' | ')' | '<' | '>' => break,
                '\'' => {
                    self.rest.next();
                    word.quoted = true;
                    word.text.extend(self.rest.by_ref().take_while(|c| *c != '\''));
                }
                '"' => {
                    self.rest.next();
                    word.quoted = true;
                    self.double_quoted(&mut word, found, depth);
                }
                '\\' => {
                    self.rest.next();
                    match self.rest.next() {
                        Some('\n') | None => {}
                        Some(c) => word.text.push(c),
                    }
                }
                '$' | '`' => {
                    if self.substitution(&mut word, false, found, depth) {
                        break;
                    }
                }
                '*' | '?' | '[' => {
                    self.rest.next();
                    word.open = true;
                    word.text.push(c);
                }
                '{' | ',' | '}' => {
                    self.rest.next();
                    word.text.push(brace(c));
                }
                _ => {
                    self.rest.next();
                    word.text.push(c);
                }
            }
        }
        word
    }

    fn double_quoted(&mut self, word: &mut Word, found: &mut Vec<Vec<Word>>, depth: usize) {
        while let Some(&c) = self.rest.peek() {
            match c {
                '"' => {
                    self.rest.next();
                    return;
                }
                '\\' => {
                    self.rest.next();
                    match self.rest.next() {
                        Some('\n') | None => {}
                        Some(c @ ('$' | '`' | '"' | '\\')) => word.text.push(c),
                        Some(c) => word.text.extend(['\\', c]),
                    }
                }
                '$' | '`' => {
                    self.substitution(word, true, found, depth);
                }
                _ => {
                    self.rest.next();
                    word.text.push(c);
                }
            }
        }
    }

    /// What begins with `$` or a backtick; whether it ends the word.
    fn substitution(&mut self, word: &mut Word, quoted: bool, found: &mut Vec<Vec<Word>>, depth: usize) -> bool {
        let first = self.rest.next();
        let inner = match (first, self.rest.peek()) {
            (Some('`'), _) => self.rest.by_ref().take_while(|c| *c != '`').collect(),
            (_, Some('(')) => {
                self.rest.next();
                self.balanced('(', ')')
            }
            (_, Some('\'')) if !quoted => {
                self.rest.next();
                self.ansi(word);
                return false;
            }
            (_, Some('{')) => {
                self.rest.next();
                return variable(word, quoted, &self.balanced('{', '}'));
            }
            _ => {
                let mut named = String::new();
                while let Some(c) = self.rest.next_if(|c| c.is_ascii_alphanumeric() || *c == '_') {
                    named.push(c);
                }
                return variable(word, quoted, &named);
            }
        };
        word.open = true;
        word.text.push('$');
        if depth < DEEPEST {
            Reader::new(&inner).commands(found, depth + 1);
        }
        false
    }

    /// Up to where the bracket that was just opened is closed.
    fn balanced(&mut self, open: char, close: char) -> String {
        let mut inner = String::new();
        let mut depth = 1;
        for c in self.rest.by_ref() {
            depth += i32::from(c == open) - i32::from(c == close);
            if depth == 0 {
                break;
            }
            inner.push(c);
        }
        inner
    }

    /// `$'...'`.
    fn ansi(&mut self, word: &mut Word) {
        word.quoted = true;
        while let Some(c) = self.rest.next() {
            match c {
                '\'' => return,
                '\\' => {
                    let (radix, longest) = match self.rest.peek() {
                        Some('x') => (16, 2),
                        Some('u') => (16, 4),
                        Some('U') => (16, 8),
                        Some('0'..='7') => (8, 3),
                        _ => {
                            word.text.extend(self.rest.next());
                            continue;
                        }
                    };
                    if radix == 16 {
                        self.rest.next();
                    }
                    let mut value = 0;
                    for _ in 0..longest {
                        let Some(digit) = self.rest.next_if(|c| c.is_digit(radix)).and_then(|c| c.to_digit(radix)) else { break };
                        value = value * radix + digit;
                    }
                    word.text.extend(char::from_u32(value));
                }
                c => word.text.push(c),
            }
        }
    }
}

/// Adds a variable to a word; whether it ends it, as blanks do.
fn variable(word: &mut Word, quoted: bool, name: &str) -> bool {
    if !quoted && name.starts_with("IFS") {
        return true;
    }
    word.open = true;
    word.text.push('$');
    false
}

fn end(words: &mut Vec<Word>, found: &mut Vec<Vec<Word>>) {
    if !words.is_empty() {
        found.push(std::mem::take(words));
    }
}

/// An unquoted bracket or comma, until the word is whole.
fn brace(c: char) -> char {
    match c {
        '{' => '\u{E000}',
        ',' => '\u{E001}',
        _ => '\u{E002}',
    }
}

/// The words that one with braces stands for.
fn braces(word: Word) -> Vec<Word> {
    let plain = |text: &str| text.replace('\u{E000}', "{").replace('\u{E001}', ",").replace('\u{E002}', "}");
    let parts = word.text.rfind('\u{E000}').and_then(|open| {
        let (before, inner) = word.text.split_at(open);
        let inner = &inner['\u{E000}'.len_utf8()..];
        let (inner, after) = inner.split_once('\u{E002}')?;
        inner.contains('\u{E001}').then_some((before, inner, after))
    });
    let Some((before, inner, after)) = parts else {
        return vec![Word { text: plain(&word.text), ..word }];
    };
    let alternatives: Vec<&str> = inner.split('\u{E001}').collect();
    if alternatives.len() > 64 || word.text.len() > 4096 {
        return vec![Word { text: plain(&word.text), open: true, ..word }];
    }
    alternatives.into_iter().flat_map(|one| braces(Word { text: format!("{before}{one}{after}"), ..word.clone() })).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn in_bash(script: &str) -> Vec<String> {
        ["/bin/bash", "-lc", script].map(str::to_string).to_vec()
    }

    #[test]
    fn hidden_deletions_are_seen() {
        for script in [
            r"r\m -rf x",
            r#""r"m -rf x"#,
            "$'rm' -rf x",
            r"$'\x72m' -rf x",
            "rm${IFS}-rf${IFS}x",
            "rm$IFS-rf x",
            "{rm,-rf,x}",
            "/bin/r? -rf x",
            "r* -f x",
            "command rm -f x",
            "builtin command rm -f x",
            "sudo -u root rm -rf x",
            "nice -n 5 rm -f x",
            "xargs rm -f",
            "ls | xargs -n 1 rm -rf",
            "env A=b env -i env -u C rm -rf x",
            "timeout -s KILL 5 rm -f x",
            "find . -delete",
            r"find . -exec rm -f {} \;",
            "find . -exec rm -rf {} +",
            "bash -c 'sh -c \"rm -rf x\"'",
            "eval 'rm -rf x'",
            "echo \"$(r\\m -f x)\"",
            "echo `rm -f x`",
            "if true; then rm -f x; fi",
            "A=b rm -f x",
            "bash <<EOF\nrm -rf x\nEOF\n",
            "rm --forc x",
            "rm x -r{f,}",
            "env -S 'rm -rf x'",
        ] {
            assert!(danger(&in_bash(script)).is_some(), "{script}");
        }
        let nested: String = "env ".repeat(40);
        assert!(danger(&in_bash(&format!("{nested} rm -rf x"))).is_some());
    }

    #[test]
    fn what_only_names_a_deletion_is_none() {
        for script in [
            "echo 'rm -rf x'",
            "grep -rf patterns .",
            "git commit -m 'rm -rf'",
            "cat <<EOF\nrm -rf x\nEOF\n",
            "rm x",
            "ls *",
            "find . -name '*.rs'",
            "printf '%s' \"rm -rf\"",
            "# rm -rf x",
            "timeout 5 ls",
            "env",
            "sudo -u root ls -f",
        ] {
            assert_eq!(danger(&in_bash(script)), None, "{script}");
        }
    }

    fn words(script: &str) -> (Vec<Vec<String>>, bool) {
        plain(&in_bash(script)).unwrap()
    }

    #[test]
    fn words_are_those_that_the_shell_makes() {
        assert_eq!(words(r"r\m 'a b' c && ls").0, [vec!["rm", "a b", "c"], vec!["ls"]]);
        assert_eq!(words("find . -de\\lete").0, [["find", ".", "-delete"]]);
        assert!(words("find . *").1, "a file may be called -delete");
        assert!(!words("cat *").1);
    }

    #[test]
    fn words_that_were_read_before_are_seen_through_too() {
        let (commands, _) = words("ls && /bin/r? -f x");
        assert_eq!((danger(&commands[0]), danger(&commands[1])), (None, Some(DangerousCommandMatch::Other)));
    }

    #[test]
    fn git_is_not_known_to_be_harmless() {
        for command in [&["git", "status"][..], &["/usr/bin/git", "log"], &["git", "diff"]] {
            assert!(!is_known_safe(&command.iter().map(|word| (*word).to_string()).collect::<Vec<_>>()));
        }
        assert!(is_known_safe(&["ls".to_string()]));
    }
}

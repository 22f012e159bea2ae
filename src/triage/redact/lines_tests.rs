//! How much is found, and how much is taken for a secret that is none, on lines that the rules were not
//! written from; plain, and in surroundings that hide it.

use super::Redactor;
use super::corpus_tests::leaks;

const LINES: &str = include_str!("../../../tests/data/redaction/lines.txt");

/// Draws secrets; the same seed draws the same.
struct Maker(fastrand::Rng);

impl Maker {
    fn of(&mut self, signs: &str, length: usize) -> String {
        let signs: Vec<char> = signs.chars().collect();
        let drawn = (0..length).map(|_| signs[self.0.usize(..signs.len())]);
        drawn.collect()
    }

    fn make(&mut self, kind: &str) -> String {
        const LETTERS: &str = "abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ";
        let mixed = format!("{LETTERS}0123456789");
        let url = format!("{mixed}lIO-_");
        let base64 = format!("{mixed}lIO+/");
        match kind {
            "pw" => format!(
                "{}{}{}",
                self.of(LETTERS, 1),
                self.of(&format!("{mixed}!#_*-+"), 12),
                self.of("0123456789", 2)
            ),
            "tok" => self.of(&mixed, 32),
            "hex" => self.of("0123456789abcdef", 40),
            "b64" => format!("{}=", self.of(&base64, 43)),
            "up" => self.of("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 16),
            "num" => self.of("123456789", 12),
            "uuid" => format!(
                "{}-{}-4{}-8{}-{}",
                self.of("0123456789abcdef", 8),
                self.of("0123456789abcdef", 4),
                self.of("0123456789abcdef", 3),
                self.of("0123456789abcdef", 3),
                self.of("0123456789abcdef", 12)
            ),
            "mail" => format!(
                "{}.{}@{}.example.com",
                self.of("abcdefghij", 5),
                self.of("klmnopqrst", 6),
                self.of("uvwxyz", 5)
            ),
            "jwt" => {
                let head = ["eyJhbGciOi", "JSUzI1NiIsInR5cCI6IkpXVCJ9"].concat();
                format!("{head}.eyJ{}.{}", self.of(&url, 40), self.of(&url, 43))
            }
            "pem" => {
                let what = ["PRIVATE", "KEY"].join(" ");
                let lines = [self.of(&base64, 64), self.of(&base64, 54)].join("\n");
                format!("-----BEGIN {what}-----\n{lines}==\n-----END {what}-----")
            }
            _ => unreachable!("{kind}"),
        }
    }

    /// A line with its secrets.
    fn fill(&mut self, template: &str) -> (String, Vec<String>) {
        let (mut line, mut secrets) = (template.to_owned(), Vec::new());
        for kind in [
            "pw", "tok", "hex", "b64", "up", "uuid", "mail", "jwt", "pem",
        ] {
            let place = format!("{{{kind}}}");
            while line.contains(&place) {
                let made = self.make(kind);
                let written = match line.starts_with('{') || line.contains("key\": '") {
                    true => made.replace('\n', "\\n"),
                    false => made.clone(),
                };
                line = line.replacen(&place, &written, 1);
                match kind {
                    // Its frame is no secret.
                    "pem" => secrets.extend(
                        made.lines()
                            .filter(|l| !l.contains("---"))
                            .map(str::to_owned),
                    ),
                    // The host of an address is nobody's.
                    "mail" => secrets.push(made.split('@').next().unwrap().to_owned()),
                    "jwt" => secrets.push(made.rsplit('.').next().unwrap().to_owned()),
                    _ => secrets.push(made),
                }
            }
        }
        while line.contains("{num}") {
            line = line.replacen("{num}", &self.make("num"), 1);
        }
        (line, secrets)
    }
}

fn lines(sign: char) -> impl Iterator<Item = &'static str> {
    let all = LINES.lines();
    all.filter_map(move |line| line.strip_prefix(sign)?.strip_prefix(' '))
}

fn in_json(text: &str) -> String {
    serde_json::json!({ "message": text }).to_string()
}

fn percent(text: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.~".contains(&b);
    let sign = |b: u8| match plain(b) {
        true => char::from(b).to_string(),
        false => format!("%{b:02X}"),
    };
    text.bytes().map(sign).collect()
}

/// A letter in the middle of each secret as a JSON escape.
fn escaped(line: &str, secrets: &[String]) -> String {
    let mut json = in_json(line);
    for secret in secrets {
        let written = in_json(secret);
        let written = &written[12..written.len() - 2];
        let middle = written
            .char_indices()
            .nth(written.chars().count() / 2)
            .unwrap();
        if middle.1.is_ascii_alphanumeric() {
            let (before, after) = written.split_at(middle.0);
            let broken = format!("{before}\\u{:04x}{}", u32::from(middle.1), &after[1..]);
            json = json.replace(written, &broken);
        }
    }
    json
}

type Surrounding = (&'static str, fn(&str, &[String]) -> String);

const SURROUNDINGS: [Surrounding; 9] = [
    ("as it is", |line, _| line.to_owned()),
    ("in JSON", |line, _| in_json(line)),
    ("in JSON twice", |line, _| in_json(&in_json(line))),
    ("in JSON three times", |line, _| {
        in_json(&in_json(&in_json(line)))
    }),
    ("a letter as \\u0041", escaped),
    ("slashes as \\/", |line, _| {
        in_json(line).replace('/', "\\/")
    }),
    ("percent-encoded", |line, _| format!("q={}", percent(line))),
    ("between other signs", |line, _| {
        format!("«[({line})]»… – über 3 Zeilen")
    }),
    ("between lines", |line, _| {
        format!("first\r\n{line}\r\n\tat a.b.C.d(E.java:7)")
    }),
];

#[test]
fn on_lines_that_it_was_not_written_from_every_secret_is_gone() {
    let redactor = Redactor::new(&[]).unwrap();
    let mut missed = Vec::new();
    for (name, surround) in SURROUNDINGS {
        let mut maker = Maker(fastrand::Rng::with_seed(7));
        let (mut clean, mut all) = (0, 0);
        for template in lines('+') {
            let (line, secrets) = maker.fill(template);
            let text = surround(&line, &secrets);
            let out = redactor.text(&text).into_owned();
            assert_eq!(redactor.text(&out), out, "twice is once");
            let written = |secret: &String| {
                let json = in_json(secret);
                leaks(&out, secret)
                    || leaks(&out, &percent(secret))
                    || leaks(&out, &json[12..json.len() - 2])
            };
            all += 1;
            match secrets.iter().any(written) {
                true => missed.push(format!("{name}: {text}\n  -> {out}")),
                false => clean += 1,
            }
        }
        println!("{name}: {clean} of {all} lines are clean");
    }
    assert!(
        missed.is_empty(),
        "{} missed\n{}",
        missed.len(),
        missed.join("\n")
    );
}

#[test]
fn on_lines_that_it_was_not_written_from_nothing_else_is_lost() {
    let redactor = Redactor::new(&[]).unwrap();
    let mut damaged = Vec::new();
    let mut all = 0;
    for line in lines('-') {
        for text in [line.to_owned(), in_json(line), in_json(&in_json(line))] {
            all += 1;
            let out = redactor.text(&text).into_owned();
            if out != text {
                damaged.push(format!("{text}\n  -> {out}"));
            }
        }
    }
    let lost = lines('?').filter(|line| redactor.text(line) != **line);
    println!(
        "harmless lines: {} of {all} unchanged; besides, {} of {} with ids that look like secrets lose them",
        all - damaged.len(),
        lost.count(),
        lines('?').count()
    );
    assert!(
        damaged.is_empty(),
        "{} damaged\n{}",
        damaged.len(),
        damaged.join("\n")
    );
}

#[test]
fn the_file_is_large_enough_to_say_something() {
    assert!(lines('+').count() >= 130 && lines('-').count() >= 120);
}

#[test]
fn the_same_secret_has_the_same_name_within_a_text() {
    let redactor = Redactor::new(&[]).unwrap();
    let mut maker = Maker(fastrand::Rng::with_seed(11));
    for _ in 0..50 {
        let (one, two) = (maker.make("tok"), maker.make("tok"));
        let line = format!(
            "token={one}; Authorization: Bearer {two}\n{{\"api_key\":\"{one}\"}} password={two}"
        );
        let out = redactor.text(&line);
        assert_eq!(out.matches("‹secret-1›").count(), 2, "{line}\n{out}");
        assert_eq!(out.matches("‹secret-2›").count(), 2, "{line}\n{out}");
    }
}

//! Secrets that show by their own shape: keys with a maker's prefix, private keys, tokens of three parts, webhook
//! addresses, headers, and the few commands that take a password without naming it.

use std::sync::LazyLock;

use regex::Regex;

use super::random;
use super::span::Span;

/// Compiles a pattern that is written in this module's files.
pub(super) fn fixed(pattern: &str) -> Regex {
    #[expect(
        clippy::expect_used,
        reason = "the patterns are constant, and a test compiles every one of them"
    )]
    Regex::new(pattern).expect("a constant pattern")
}

/// Beginnings that makers give to their keys, with what may follow and how much of it.
const MADE: [(&str, &str, &str); 18] = [
    // Slack
    (
        r"xox[a-z](?:\.xox[a-z])?-|xapp-|xwfp-",
        "[A-Za-z0-9-]",
        "10,",
    ),
    // Code hosts
    ("gh[opusr]_|github_pat_", "[A-Za-z0-9_.-]", "20,"),
    (
        "gl(?:pat|ptt|dt|rt|rtr|soat|ft|imt|agent|cbt|ffct|oas)-|GR1348941",
        "[A-Za-z0-9_.=-]",
        "16,",
    ),
    // Clouds
    (
        "AKIA|ASIA|ABIA|ACCA|AGPA|AIDA|AROA|A3T[A-Z0-9]",
        "[A-Z0-9]",
        "12,",
    ),
    (
        "AIza|AQVN|YCCA|t1[.]|ya29[.]|GOCSPX-|LTAI|bedrock-api-key-|1//",
        "[A-Za-z0-9_+/=.-]",
        "16,",
    ),
    ("dapi|dop_v1_|doo_v1_|dor_v1_|dkea", "[a-fA-F0-9]", "30,"),
    // Payments and shops
    (
        "[srp]k_(?:live|test|prod)_|whsec_|shp(?:at|ca|pa|ss)_|shippo_(?:live|test)_|EAAA|EZ[AT]K|sq0[a-z]{3}-",
        "[A-Za-z0-9_+/=-]",
        "16,",
    ),
    (
        "FLW(?:SECK|PUBK)(?:_TEST)?-|duffel_(?:live|test)_|sk_",
        "[A-Za-z0-9_=@.,%;?-]",
        "12,",
    ),
    // Models
    ("sk-|pplx-|gsk_|hf_|api_org_|r8_", "[A-Za-z0-9_-]", "20,"),
    // Platforms
    (
        "npm_|pypi-|rubygems_|CLOJARS_|HRKU-|pul-|pnu_|lin_api_|ntn_|figd_|dckr_pat_|dp[.](?:pt|st|ct|sa|scim)[.]|dt0c01[.]|rdme_|sgp_|fio-u-|sm_[a-z]{3}_|tk-us-|tskey-[a-z]+-|vc[a-z]_|cf[a-z]{2}_|ico-|ops_|tfp_|pscale_[a-z]+_|dnkey-|fm1[ar]_|fm2_|fo1_|secret_",
        "[A-Za-z0-9_+/=.-]",
        "14,",
    ),
    (
        "hv[sbr][.]|SG[.]|sat[.]|pat[.]|atlasv1[.]|ATATT3|ATBB|ATCTT3|BBDC-|AKCp|cmVmd",
        "[A-Za-z0-9_+/=.-]",
        "20,",
    ),
    (
        "glc_|glsa_|sntry[su]_|NR(?:AK|II|JS|RA|IQ)-|xkeysib-|PMAK-|key-|pubkey-|eyJ",
        "[A-Za-z0-9_+/=.-]",
        "17,",
    ),
    ("AGE-SECRET-KEY-1|A3-|API-", "[A-Z0-9-]", "24,"),
    // HubSpot's private apps: the region, then a UUID
    ("pat-(?:na|eu|ap)[0-9]{1,2}-", "[A-Za-z0-9-]", "20,"),
    ("sha256~|EAA[A-Z]|EAAC|4b1d", "[A-Za-z0-9_-]", "30,"),
    ("SK|AC", "[a-fA-F0-9]", "32,"),
    // Azure: the version and `Q~` stand behind the first three characters
    ("[A-Za-z0-9_~.]{3}[0-9]Q~", "[A-Za-z0-9_~.-]", "28,"),
    ("[A-Za-z0-9]{14}[.]atlasv1[.]", "[A-Za-z0-9_=-]", "30,"),
];

static BY_PREFIX: LazyLock<Regex> = LazyLock::new(|| {
    let makes: Vec<String> = MADE
        .iter()
        .map(|(prefix, rest, count)| format!(r"(?:{prefix}){rest}{{{count}}}"))
        .collect();
    fixed(&format!(r"(?-u:\b)(?:{})", makes.join("|")))
});

/// One capture each: what to hide.
static BY_PLACE: LazyLock<[Regex; 9]> = LazyLock::new(|| {
    [
        fixed(
            r"(?i)hooks\.slack(?:-gov)?\.com/(?:services|workflows|triggers)/([A-Za-z0-9/_+-]{8,})",
        ),
        fixed(r"(?i)webhook\.office\.com/(?:webhookb2/)?([A-Za-z0-9/@_-]{16,})"),
        fixed(r"(?i)discord(?:app)?\.com/api/webhooks/([A-Za-z0-9/_-]{16,})"),
        fixed(
            r#"(?:\s|^)(?:-u|--user|--proxy-user)[ =]*["']?([^\s:"'/$<>{-]*:["']?[^\s"'/$<{\[][^\s"']*)"#,
        ),
        fixed(r#"(?i)\bmysql[a-z]*\s[^\n]{0,160}?\s-p([^\s"'$]+)"#),
        fixed(r#"(?i)\b(?:sshpass\s+-p|redis-cli\s[^\n]{0,80}?-a)\s*["']?([^\s"'$-][^\s"']*)"#),
        fixed(
            r#"(?i)\bidentified\s+(?:with\s+\S+\s+)?(?:by|as)\s+(?:password\s+|values\s+)?["']([^"']+)["']"#,
        ),
        fixed(r#"(?i)jdbc:oracle:\w+:[^/\s@"':]+/([^\s@"']+)@"#),
        fixed(
            r#"(?i)\b(?:sqlplus|rman|sqlldr|expdp|impdp|bcp)\s+(?:-\w+\s+)*[^/\s@"']+/([^\s@"']+)@"#,
        ),
    ]
});

/// `Bearer x`, `Basic x` wherever they stand.
static SCHEME: LazyLock<Regex> = LazyLock::new(|| {
    fixed(
        r#"(?i-u:\b)(?i:bearer|basic|negotiate|apikey|token)(?:\s+|%20|\+|:\s*)["']?([A-Za-z0-9._~+/-]{8,}={0,2})"#,
    )
});

static BEGIN_KEY: LazyLock<Regex> =
    LazyLock::new(|| fixed(r"(?i)-----BEGIN[A-Z0-9 _-]{0,100}PRIVATE KEY(?: BLOCK)?-----"));
static END_KEY: LazyLock<Regex> =
    LazyLock::new(|| fixed(r"(?i)-----END[A-Z0-9 _]{0,40}-----|KEY(?: BLOCK)?-----"));

/// Longest private key that is looked for.
const MAX_KEY: usize = 32 * 1024;

/// Finds everything this module knows.
pub(super) fn find(text: &str, spans: &mut Vec<Span>) {
    for m in BY_PREFIX.find_iter(text) {
        // A UUID may begin like anything.
        if !is_plain_word(m.as_str()) && !random::is_uuid(m.as_str()) {
            spans.push(Span::secret(m.range()));
        }
    }
    for pattern in BY_PLACE.iter() {
        spans.extend(
            pattern
                .captures_iter(text)
                .filter_map(|c| c.get(1))
                .map(|m| Span::secret(m.range())),
        );
    }
    for m in SCHEME.captures_iter(text).filter_map(|c| c.get(1)) {
        let word = m.as_str().trim_end_matches('.');
        if is_header_value(word) {
            spans.push(Span::secret(m.range()));
        }
    }
    private_keys(text, spans);
}

/// `hf_requiredCharacteristicTypes`, `sk-learn-contrib-packages`: a maker's beginning, but words.
fn is_plain_word(token: &str) -> bool {
    let words = |t: &str| {
        t.split(|c: char| !c.is_ascii_alphanumeric())
            .all(|w| w.len() < 4 || random::is_wordy(w))
    };
    words(token)
        || token
            .bytes()
            .skip(6)
            .all(|b| matches!(b, b'x' | b'X' | b'-' | b'_' | b'*' | b'.'))
}

fn is_header_value(word: &str) -> bool {
    let plain = word.split(['-', '_', '.', '/']).all(|w| {
        w.chars().skip(1).all(|c| c.is_ascii_lowercase())
            || w.chars().all(|c| c.is_ascii_uppercase())
    });
    !plain
        && (word.ends_with('=') || word.bytes().any(|b| b.is_ascii_digit()) || word.len() >= 12)
        && !random::is_uuid(word)
        || random::is_keyed(word)
}

/// From the first line of a private key to its last; to where its letters end when the last line is missing.
fn private_keys(text: &str, spans: &mut Vec<Span>) {
    let mut from = 0;
    for begin in BEGIN_KEY.find_iter(text) {
        if begin.start() < from {
            continue;
        }
        let mut limit = text.len().min(begin.end() + MAX_KEY);
        while !text.is_char_boundary(limit) {
            limit -= 1;
        }
        let body = text.get(begin.end()..limit).unwrap_or("");
        let end = END_KEY
            .find(body)
            .map_or_else(|| key_letters(body), |m| m.end());
        from = begin.end() + end;
        spans.push(Span::secret(begin.start()..from));
    }
}

fn key_letters(body: &str) -> usize {
    let is_key = |c: char| {
        c.is_ascii_alphanumeric()
            || matches!(c, '+' | '/' | '=' | '\\' | '\n' | '\r' | ':' | ',' | '-')
    };
    // Lines of a key have no spaces; a header line (`Proc-Type: 4,ENCRYPTED`) has one after its colon.
    let mut end = 0;
    for line in body.split_inclusive('\n') {
        let line_end = line.find(|c: char| !is_key(c)).unwrap_or(line.len());
        let header = line
            .get(line_end..)
            .is_some_and(|rest| rest.starts_with(' '))
            && line.get(..line_end).is_some_and(|l| l.ends_with(':'));
        if header {
            end += line.len();
            continue;
        }
        end += line_end;
        if line_end < line.len() {
            break;
        }
    }
    end
}

/// For the test that compiles every constant pattern.
#[cfg(test)]
pub(super) fn compile_all() -> usize {
    [&BY_PREFIX, &SCHEME, &BEGIN_KEY, &END_KEY]
        .into_iter()
        .filter(|r| !r.as_str().is_empty())
        .count()
        + BY_PLACE.len()
}

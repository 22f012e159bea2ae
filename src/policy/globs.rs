//! Which connections a rule is about.

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

use super::Subject;
use super::errors::quoted;

/// The longest glob, in bytes: it bounds the time and the stack that compiling takes.
const LONGEST: usize = 256;

/// A glob over one text, in which `*` is any number of characters, `?` is one, `[ab]` one of
/// these, `{a,b}` either. Upper and lower case differ, as they do in Fivetran.
#[derive(Clone, Debug)]
pub(super) struct Pattern {
    text: String,
    shape: Shape,
}

/// The simple globs, which are nearly all there are, need no regular expression and can be
/// compared with each other.
#[derive(Clone, Debug)]
enum Shape {
    Anything,
    Exactly,
    /// Begins with this.
    Prefix(String),
    Glob(GlobSet),
}

impl Pattern {
    /// Compiles a glob; the error says what is wrong with it.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        if text.len() > LONGEST {
            return Err(format!("the glob is longer than {LONGEST} bytes"));
        }
        let special = |c: char| matches!(c, '*' | '?' | '[' | ']' | '{' | '}' | '\\');
        let shape = match text.trim_end_matches('*') {
            "" => Shape::Anything,
            all if all.len() == text.len() && !text.contains(special) => Shape::Exactly,
            prefix if prefix.len() < text.len() && !prefix.contains(special) => {
                Shape::Prefix(prefix.to_owned())
            }
            _ => Shape::Glob(compile(text)?),
        };
        Ok(Self {
            text: text.to_owned(),
            shape,
        })
    }

    /// Whether the glob matches the whole of `value`.
    pub(super) fn matches(&self, value: &str) -> bool {
        match &self.shape {
            Shape::Anything => true,
            Shape::Exactly => self.text == value,
            Shape::Prefix(prefix) => value.starts_with(prefix),
            Shape::Glob(glob) => glob.is_match(value),
        }
    }

    /// Whether everything that `other` matches is surely matched by this one too; `false` where
    /// that is not plain to see.
    fn covers(&self, other: &Self) -> bool {
        if self.text == other.text {
            return true;
        }
        match (&self.shape, &other.shape) {
            (Shape::Anything, _) => true,
            (_, Shape::Exactly) => self.matches(&other.text),
            (Shape::Prefix(wide), Shape::Prefix(narrow)) => narrow.starts_with(wide),
            (Shape::Prefix(wide), Shape::Glob(_)) => {
                let end = other.text.find(['*', '?', '[', '{', '\\']);
                other.text[..end.unwrap_or(0)].starts_with(wide)
            }
            (Shape::Exactly | Shape::Prefix(_) | Shape::Glob(_), _) => false,
        }
    }
}

fn compile(text: &str) -> Result<GlobSet, String> {
    let wrong = |error: &globset::Error| {
        format!(
            "{} is no glob: {}; `*` is any text, `?` one character, `[ab]` one of these, `{{a,b}}` either",
            quoted(text),
            error.kind()
        )
    };
    let glob = GlobBuilder::new(text)
        .backslash_escape(true)
        .build()
        .map_err(|e| wrong(&e))?;
    // The set's builder returns an error where the matcher of a single glob would panic.
    GlobSetBuilder::new()
        .add(glob)
        .build()
        .map_err(|e| wrong(&e))
}

/// The conditions of a rule; all that are given must hold, and one without any matches everything.
#[derive(Clone, Debug, Default)]
pub(super) struct Match {
    pub(super) id: Option<Pattern>,
    pub(super) schema: Option<Pattern>,
    pub(super) service: Option<Pattern>,
    /// Over the group's id or its name.
    pub(super) group: Option<Pattern>,
}

impl Match {
    /// Whether the rule is about this connection.
    pub(super) fn matches(&self, subject: &Subject) -> bool {
        let holds = |pattern: &Option<Pattern>, value: &str| {
            pattern.as_ref().is_none_or(|p| p.matches(value))
        };
        holds(&self.id, subject.id.as_str())
            && holds(&self.schema, &subject.schema)
            && holds(&self.service, &subject.service)
            && (holds(&self.group, subject.group_id.as_str())
                || holds(&self.group, &subject.group_name))
    }

    /// Whether every connection that `other` matches is surely matched by this one too.
    pub(super) fn covers(&self, other: &Self) -> bool {
        let covered = |wide: &Option<Pattern>, narrow: &Option<Pattern>| match (wide, narrow) {
            (None, _) => true,
            (Some(wide), Some(narrow)) => wide.covers(narrow),
            (Some(wide), None) => matches!(wide.shape, Shape::Anything),
        };
        covered(&self.id, &other.id)
            && covered(&self.schema, &other.schema)
            && covered(&self.service, &other.service)
            && covered(&self.group, &other.group)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> Pattern {
        Pattern::parse(text).unwrap()
    }

    #[test]
    fn a_glob_matches_the_whole_text() {
        for (glob, yes, no) in [
            ("salesforce*", "salesforce_emea", "old_salesforce"),
            ("orders", "orders", "orders_2"),
            ("*_prod", "orders_prod", "orders_prod_2"),
            ("ord?rs", "orders", "ordrs"),
            ("{a,b}_*", "b_x", "c_x"),
            ("db[12]", "db1", "db3"),
            ("a*z", "a.b/cz", "A.z"),
        ] {
            assert!(pattern(glob).matches(yes), "{glob} {yes}");
            assert!(!pattern(glob).matches(no), "{glob} {no}");
        }
    }

    #[test]
    fn a_bad_or_huge_glob_is_refused_in_words() {
        for bad in ["db[12", "{a,b", "a\\", "[z-a]"] {
            assert!(Pattern::parse(bad).is_err(), "{bad}");
        }
        assert!(Pattern::parse(&"{a,".repeat(200)).is_err());
    }

    #[test]
    fn covering_is_claimed_only_where_it_is_plain() {
        for (wide, narrow) in [
            ("*", "a[bc]"),
            ("**", "x"),
            ("sales*", "salesforce*"),
            ("sales*", "sales_[ab]"),
            ("s?les", "sales"),
            ("{a,b}", "{a,b}"),
        ] {
            assert!(pattern(wide).covers(&pattern(narrow)), "{wide} {narrow}");
        }
        for (narrow, wide) in [
            ("salesforce*", "sales*"),
            ("a*", "*a"),
            ("a*", "{a,b}*"),
            ("x", "*"),
        ] {
            assert!(!pattern(narrow).covers(&pattern(wide)), "{narrow} {wide}");
        }
    }
}

//! The picture of a plan: its facts in, a PNG out. Pure: the same facts give the same bytes, with no
//! font and no library of the system.
//!
//! A row is a connection. What Fivetran starts by itself is a low bar in the lower half, what the
//! plan adds an arrow in the upper half, what people have approved already a box with a tick there,
//! a time by which data must be fresh a flag: they differ in shape and place, not in colour alone. The picture has a ground of its own, so that Slack's dark
//! theme changes nothing, and letters that can still be read where it is shown 390 pixels wide.

mod axis;
mod ink;
#[cfg(test)]
mod tests;

use chrono::{DateTime, Duration, Utc};

use crate::model::{Added, ByItself, Chart, ChartRow};
use axis::Axis;
use ink::{
    ACCENT, AGREED, ALARM, BAND, FAINT, GRID, GROUND, INK, Ink, LABEL, MUTED, NAME, SMALL, Side,
    TITLE,
};

/// Twice as wide as most screens show it.
const WIDTH: i32 = 1_200;
const MARGIN: i32 = 24;
/// Where names end and time begins.
const PLOT: i32 = 390;
const RIGHT: i32 = WIDTH - MARGIN;
const TITLE_HEIGHT: i32 = 70;
const AXIS_HEIGHT: i32 = 54;
const ROW: i32 = 76;
const LINE: i32 = 60;
/// The arrow of an added sync, the bar of one of Fivetran's own, and where they begin in the row.
const ARROW: i32 = 32;
const BAR: i32 = 14;
const ARROW_TOP: i32 = 8;
const BAR_TOP: i32 = 54;
/// Less could not be seen.
const ARROW_LEAST: i32 = 34;
const BAR_LEAST: i32 = 7;

/// Draws a plan as PNG.
///
/// # Errors
/// When the drawing library refuses, which it has no reason to.
pub fn png(chart: &Chart) -> anyhow::Result<Vec<u8>> {
    let legend = legend(chart);
    let rows = i32::try_from(chart.rows.len())?;
    let bottom = TITLE_HEIGHT + AXIS_HEIGHT + rows * ROW;
    let lines = i32::from(chart.more > 0) + i32::try_from(legend.len().div_ceil(2))?;
    let height = bottom + lines * LINE + MARGIN;
    let mut ink = Ink::new(WIDTH, height)?;
    let axis = Axis::new(chart, PLOT, RIGHT);
    ink.text(
        &title(chart),
        MARGIN,
        TITLE_HEIGHT / 2,
        TITLE,
        INK,
        Side::Left,
    )?;
    ground(&mut ink, &axis, rows, bottom)?;
    for (row, number) in chart.rows.iter().zip(0..) {
        let top = TITLE_HEIGHT + AXIS_HEIGHT + number * ROW;
        draw_row(&mut ink, &axis, chart, row, top)?;
    }
    let mut middle = bottom + LINE / 2 + 6;
    if chart.more > 0 {
        let more = match chart.more {
            1 => "and 1 more connection".to_owned(),
            more => format!("and {more} more connections"),
        };
        ink.text(&more, MARGIN, middle, LABEL, MUTED, Side::Left)?;
        middle += LINE;
    }
    for line in legend.chunks(2) {
        for (sign, left) in line.iter().zip([MARGIN, WIDTH / 2]) {
            explain(&mut ink, *sign, left, middle)?;
        }
        middle += LINE;
    }
    ink.png()
}

fn title(chart: &Chart) -> String {
    let local = |at: DateTime<Utc>| {
        at.with_timezone(&chart.tz())
            .format("%a %-d %b %H:%M")
            .to_string()
    };
    let (from, to) = (local(chart.now), local(chart.until));
    format!("{from} to {to} · {}", chart.tz().name())
}

/// Stripes, the hours, and now.
fn ground(ink: &mut Ink, axis: &Axis, rows: i32, bottom: i32) -> anyhow::Result<()> {
    let top = TITLE_HEIGHT + AXIS_HEIGHT;
    for stripe in (0..rows).step_by(2) {
        let y = top + stripe * ROW;
        ink.block((0, y), (WIDTH, y + ROW), BAND)?;
    }
    let label = TITLE_HEIGHT + AXIS_HEIGHT / 2;
    let now = axis.now();
    let word = "now";
    // The word stands over its line, and nothing is written across it.
    let mut taken = now + ink.width(word, LABEL)? / 2 + 16;
    for (at, name) in axis.ticks() {
        ink.block((at - 1, top), (at + 1, bottom), GRID)?;
        let half = ink.width(&name, LABEL)? / 2;
        if at - half > taken && at + half <= WIDTH - 6 {
            ink.text(&name, at, label, LABEL, INK, Side::Middle)?;
            taken = at + half + 16;
        }
    }
    ink.text(word, now, label, LABEL, INK, Side::Middle)?;
    ink.block((now - 2, top), (now + 2, bottom), INK)?;
    Ok(())
}

fn draw_row(
    ink: &mut Ink,
    axis: &Axis,
    chart: &Chart,
    row: &ChartRow,
    top: i32,
) -> anyhow::Result<()> {
    let name = match row.name.trim() {
        "" => row.connection.as_str(),
        name => name,
    };
    let name = ink.fitted(name, PLOT - MARGIN - 16, NAME)?;
    ink.text(&name, MARGIN, top + ROW / 2, NAME, INK, Side::Left)?;
    let takes = Duration::minutes(row.takes);
    let note = match row.by_itself {
        ByItself::Never => Some("no sync by itself"),
        ByItself::Unknown => Some("own syncs not known"),
        ByItself::Every { .. } => None,
    };
    if let Some(note) = note {
        ink.text(
            note,
            axis.now() + 14,
            top + BAR_TOP + 6,
            SMALL,
            MUTED,
            Side::Left,
        )?;
    }
    let bars = row
        .ends(chart.until)
        .map(|end| ((end - takes).max(chart.now), end));
    for (left, right) in merged(bars.map(|(from, to)| axis.span(from, to, BAR_LEAST))) {
        ink.block((left, top + BAR_TOP), (right, top + BAR_TOP + BAR), FAINT)?;
    }
    // Its right side is where a sync ends: what it comes in time for stands right behind it.
    let place = |start: DateTime<Utc>| {
        let end = axis.x(start + takes);
        let left = axis.x(start).min(end - ARROW_LEAST).max(axis.now());
        ((left, top + ARROW_TOP), end.max(left + ARROW_LEAST))
    };
    for start in &row.approved {
        let (at, right) = place(*start);
        ticked(ink, at, right)?;
    }
    for added in &row.added {
        let (at, right) = place(added.at);
        arrow(ink, *added, at, right)?;
    }
    for at in row.due.iter().map(|at| axis.x(*at)) {
        flag(ink, at, top, ROW)?;
    }
    Ok(())
}

/// Bars that touch become one: a connection that syncs every minute is no thousand bars.
fn merged(bars: impl Iterator<Item = (i32, i32)>) -> Vec<(i32, i32)> {
    let mut all: Vec<(i32, i32)> = Vec::new();
    for (left, right) in bars {
        match all.last_mut() {
            Some(last) if left <= last.1 => last.1 = last.1.max(right),
            _ => all.push((left, right)),
        }
    }
    all
}

/// An added sync; one that is only shown is hollow.
fn arrow(ink: &mut Ink, added: Added, at: (i32, i32), right: i32) -> anyhow::Result<()> {
    let (left, top) = at;
    let outline = |inset: i32| {
        let (left, right) = (left + inset, right - inset);
        let (top, bottom) = (top + inset, top + ARROW - inset);
        let tip = right - ARROW / 2 + inset / 2;
        vec![
            (left, top),
            (tip, top),
            (right, (top + bottom) / 2),
            (tip, bottom),
            (left, bottom),
        ]
    };
    ink.shape(outline(0), ACCENT)?;
    if added.shadow {
        ink.shape(outline(5), GROUND)?;
    }
    Ok(())
}

/// A sync that is approved.
fn ticked(ink: &mut Ink, at: (i32, i32), right: i32) -> anyhow::Result<()> {
    let (left, top) = at;
    ink.block(at, (right, top + ARROW), AGREED)?;
    let middle = (left + right) / 2;
    let tick = [(-12, 16), (-7, 11), (-3, 16), (8, 5), (13, 10), (-3, 26)];
    let corners = tick.map(|(x, y)| (middle + x, top + y));
    ink.shape(corners.to_vec(), GROUND)
}

/// A time by which data must be fresh.
fn flag(ink: &mut Ink, at: i32, top: i32, height: i32) -> anyhow::Result<()> {
    ink.block((at - 2, top), (at + 2, top + height), ALARM)?;
    // It flies away from the arrow that comes in time.
    ink.shape(vec![(at, top), (at + 26, top + 12), (at, top + 24)], ALARM)
}

/// What the signs mean.
#[derive(Clone, Copy)]
enum Sign {
    Added { shadow: bool },
    Approved,
    Own,
    Due,
}

impl Sign {
    fn words(self) -> &'static str {
        match self {
            Self::Added { shadow: false } => "proposed sync",
            Self::Added { shadow: true } => "shown only",
            Self::Approved => "approved sync",
            Self::Own => "Fivetran's own sync",
            Self::Due => "must be fresh by",
        }
    }
}

/// The signs that the picture uses, two of them a line.
fn legend(chart: &Chart) -> Vec<Sign> {
    let added = |shadow| {
        let mut all = chart.rows.iter().flat_map(|row| &row.added);
        all.any(|added| added.shadow == shadow)
            .then_some(Sign::Added { shadow })
    };
    let mut own = chart.rows.iter().map(|row| row.by_itself);
    let own = own.any(|own| matches!(own, ByItself::Every { .. }));
    let due = chart.rows.iter().any(|row| !row.due.is_empty());
    let approved = chart.rows.iter().any(|row| !row.approved.is_empty());
    let used = [
        added(false),
        own.then_some(Sign::Own),
        added(true),
        due.then_some(Sign::Due),
        approved.then_some(Sign::Approved),
    ];
    used.into_iter().flatten().collect()
}

/// Draws one sign with its words.
fn explain(ink: &mut Ink, sign: Sign, left: i32, middle: i32) -> anyhow::Result<()> {
    match sign {
        Sign::Added { shadow } => {
            let added = Added {
                at: DateTime::UNIX_EPOCH,
                shadow,
            };
            arrow(ink, added, (left, middle - ARROW / 2), left + 46)?;
        }
        Sign::Approved => ticked(ink, (left, middle - ARROW / 2), left + 46)?,
        Sign::Own => ink.block(
            (left, middle - BAR / 2),
            (left + 46, middle + BAR / 2),
            FAINT,
        )?,
        Sign::Due => flag(ink, left + 12, middle - 20, 40)?,
    }
    ink.text(sign.words(), left + 60, middle, LABEL, INK, Side::Left)
}

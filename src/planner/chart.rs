//! What the picture of a plan shows of its connections.

use std::collections::HashMap;

use super::{Baseline, Forecast, Horizon, Planned, Target};
use crate::model::{ByItself, Chart, ChartRow, ConnectionId, Mode};

/// More rows cannot be read on a phone.
const ROWS: usize = 14;

/// The connections of a plan, most important first: those with a line, live before shadow and in
/// the plan's order; then those with a target or an approved sync; then the others by name. What the
/// lines add is not in it yet ([`Chart::with`]).
pub fn chart(targets: &[Target<'_>], planned: &[Planned], horizon: Horizon) -> Chart {
    let mut first: HashMap<&ConnectionId, (bool, usize)> = HashMap::new();
    for (position, planned) in planned.iter().enumerate() {
        let place = (planned.mode == Mode::Shadow, position);
        first.entry(&planned.line.connection).or_insert(place);
    }
    let rank = |target: &&Target<'_>| {
        let connection = target.connection;
        let line = first.get(&connection.id);
        let is_free =
            target.max_age.is_none() && target.fresh_by.is_empty() && target.approved.is_empty();
        (
            line.copied().unwrap_or((true, usize::MAX)),
            is_free,
            connection.schema.clone(),
            connection.id.clone(),
        )
    };
    let mut order: Vec<&Target<'_>> = targets.iter().collect();
    order.sort_by_cached_key(rank);
    order.truncate(ROWS);
    let mut chart = Chart::new(horizon.now, horizon.until, horizon.tz);
    chart.more = targets.len() - order.len();
    chart.rows = order.into_iter().map(|t| row(t, horizon)).collect();
    chart
}

fn row(target: &Target<'_>, horizon: Horizon) -> ChartRow {
    let forecast = Forecast::new(target, horizon);
    let connection = target.connection;
    let by_itself = match forecast.baseline {
        // Fivetran starts nothing there.
        _ if connection.paused => ByItself::Never,
        Baseline::Never => ByItself::Never,
        Baseline::Unknown => ByItself::Unknown,
        Baseline::Ends { first, every } => ByItself::Every {
            minutes: every.num_minutes(),
            first_end: first,
        },
    };
    let too_old_at = forecast.fresh_at().zip(target.max_age);
    let too_old_at = too_old_at.map(|(fresh_at, max_age)| fresh_at + max_age);
    let mut due = forecast.deadlines();
    due.extend(too_old_at.filter(|at| *at > horizon.now));
    due.retain(|at| *at <= horizon.until);
    due.sort_unstable();
    due.dedup();
    // What is due already begins as soon as a worker takes it.
    let approved = target.approved.iter().map(|at| (*at).max(horizon.now));
    let mut approved: Vec<_> = approved.filter(|at| *at <= horizon.until).collect();
    approved.sort_unstable();
    ChartRow {
        connection: connection.id.clone(),
        name: connection.schema.clone(),
        takes: forecast.counted.num_minutes().max(1),
        by_itself,
        due,
        approved,
        added: Vec::new(),
    }
}

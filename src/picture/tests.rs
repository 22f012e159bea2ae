use super::*;
use crate::model::ConnectionId;
use chrono_tz::Tz;

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

const NOW: &str = "2026-11-23T07:00:00Z";

fn row(name: &str, every: i64, number: usize) -> ChartRow {
    let number = i64::try_from(number).unwrap();
    let by_itself = ByItself::Every {
        minutes: every,
        first_end: at(NOW) + Duration::minutes(20 + 7 * number % every),
    };
    ChartRow {
        connection: ConnectionId::new(name),
        name: name.to_owned(),
        takes: every.min(30),
        by_itself,
        due: Vec::new(),
        approved: Vec::new(),
        added: Vec::new(),
    }
}

fn added(minutes: i64, shadow: bool) -> Vec<Added> {
    let at = at(NOW) + Duration::minutes(minutes);
    vec![Added { at, shadow }]
}

const NAMES: [&str; 5] = [
    "hubspot",
    "salesforce",
    "orders_db",
    "stripe",
    "marketing_google_ads_emea",
];

/// A plan of so many connections.
fn chart(count: usize) -> Chart {
    let mut chart = Chart::new(at(NOW), at(NOW) + Duration::days(1), Tz::Europe__Berlin);
    for number in 0..count.min(14) {
        let name = match NAMES.get(number) {
            Some(name) => (*name).to_owned(),
            None => format!("connection_{number}"),
        };
        let every = [360, 60, 15, 1440, 5][number % 5];
        chart.rows.push(row(&name, every, number));
    }
    chart.more = count.saturating_sub(14);
    if let [first, second, third, fourth, ..] = &mut chart.rows[..] {
        first.by_itself = ByItself::Never;
        first.added = added(0, false);
        second.added = added(110, false);
        second.due = vec![at(NOW) + Duration::minutes(150)];
        third.added = added(300, true);
        third.approved = vec![at(NOW), at(NOW) + Duration::minutes(600)];
        fourth.by_itself = ByItself::Unknown;
        fourth.due = vec![at("2026-11-24T05:00:00Z")];
        fourth.added = added(1280, false);
    }
    chart
}

fn written(name: &str, chart: &Chart) -> Vec<u8> {
    let bytes = png(chart).unwrap();
    if let Some(folder) = std::env::var_os("SYNCGATE_PICTURES") {
        std::fs::write(
            std::path::Path::new(&folder).join(format!("{name}.png")),
            &bytes,
        )
        .unwrap();
    }
    bytes
}

/// Width, height and pixels.
fn decoded(bytes: &[u8]) -> (u32, u32, Vec<u8>) {
    let decoder = png::Decoder::new(std::io::Cursor::new(bytes));
    let mut reader = decoder.read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut pixels).unwrap();
    (info.width, info.height, pixels)
}

#[test]
fn the_picture_is_a_png_as_high_as_its_rows_and_the_same_each_time() {
    for (count, height) in [(0, 148), (1, 284), (5, 708), (40, 1_452)] {
        let plan = chart(count);
        let bytes = written(&format!("plan_of_{count}"), &plan);
        let (width, found, _) = decoded(&bytes);
        assert_eq!((width, found), (1_200, height), "{count} connections");
        assert_eq!(bytes, png(&plan).unwrap(), "equal facts, equal bytes");
    }
}

#[test]
fn names_of_any_letters_and_length_stay_in_their_column() {
    let mut plan = chart(14);
    let names = [
        "a_name_that_is_so_long_that_nobody_can_say_it_in_one_breath_prod",
        "Продажи_заказы",
        "παραγγελίες",
        "売上データ",
        "\u{202e}abc\u{0301}\u{0301}\u{0301}",
        "",
        "zażółć_gęślą",
        "🦀🦀🦀",
        "WWWWWWWWWWWWWWWWWWWWWWWW",
        "a\nb\tc\0d",
    ];
    for (row, name) in plan.rows.iter_mut().zip(names) {
        row.name = name.to_owned();
    }
    let (width, height, pixels) = decoded(&written("names", &plan));
    // Between the names' column and the time there is a strip that nothing may touch.
    let strip = usize::try_from(PLOT - 12).unwrap();
    let row_top = usize::try_from(TITLE_HEIGHT + AXIS_HEIGHT).unwrap();
    let row_end = row_top + plan.rows.len() * usize::try_from(ROW).unwrap();
    for y in row_top..row_end.min(usize::try_from(height).unwrap()) {
        let at = (y * usize::try_from(width).unwrap() + strip) * 3;
        let color = &pixels[at..at + 3];
        let ground = [[255, 255, 255], [BAND.0, BAND.1, BAND.2]];
        assert!(ground.iter().any(|g| g == color), "row at {y}: {color:?}");
    }
    // A name in letters that the font lacks is not nothing: it differs from no name.
    let mut nameless = plan.clone();
    nameless.rows[3].name = String::new();
    assert_ne!(png(&plan).unwrap(), png(&nameless).unwrap());
}

#[test]
fn another_line_another_time_or_another_kind_is_another_picture() {
    let plan = chart(5);
    let same = png(&plan).unwrap();
    let changes: [fn(&mut Chart); 8] = [
        |c| c.rows[0].added.clear(),
        |c| c.rows[1].added[0].at += Duration::hours(1),
        |c| c.rows[2].added[0].shadow = false,
        |c| c.rows[2].approved.clear(),
        |c| c.rows[2].added[0].at = std::mem::take(&mut c.rows[2].approved)[1],
        |c| c.rows[1].due.clear(),
        |c| c.rows[1].by_itself = ByItself::Never,
        |c| c.more += 1,
    ];
    for (number, change) in changes.into_iter().enumerate() {
        let mut other = plan.clone();
        change(&mut other);
        assert_ne!(same, png(&other).unwrap(), "change {number}");
    }
}

#[test]
fn days_of_23_and_25_hours_have_their_own_clock() {
    let hours = |now: &str, until: &str, tz| {
        let chart = Chart::new(at(now), at(until), tz);
        let ticks = Axis::new(&chart, PLOT, RIGHT).ticks();
        let names: Vec<String> = ticks.into_iter().map(|(_, name)| name).collect();
        names.join(" ")
    };
    let berlin = Tz::Europe__Berlin;
    // 02:00 comes never, and 02:00 comes twice.
    assert_eq!(
        hours("2026-03-29T00:00:00Z", "2026-03-29T06:00:00Z", berlin),
        "01:00 03:00 04:00 05:00 06:00 07:00 08:00"
    );
    assert_eq!(
        hours("2026-10-24T23:30:00Z", "2026-10-25T05:00:00Z", berlin),
        "02:00 02:00 03:00 04:00 05:00 06:00"
    );
    let night = hours("2026-10-24T06:00:00Z", "2026-10-25T07:00:00Z", berlin);
    assert_eq!(night, "08:00 12:00 16:00 20:00 Sun 25 04:00 08:00");
    let india = hours(
        "2026-11-23T07:00:00Z",
        "2026-11-24T07:00:00Z",
        Tz::Asia__Kolkata,
    );
    assert_eq!(india, "12:00 16:00 20:00 Tue 24 04:00 08:00 12:00");
    let weekend = hours("2026-11-20T07:00:00Z", "2026-11-23T07:00:00Z", berlin);
    assert_eq!(weekend, "12:00 Sat 21 12:00 Sun 22 12:00 Mon 23");
    let week = hours("2026-11-16T07:00:00Z", "2026-11-23T07:00:00Z", berlin);
    assert_eq!(week, "Wed 18 Fri 20 Sun 22");
    let mut plan = chart(5);
    (plan.now, plan.until) = (at("2026-10-24T07:00:00Z"), at("2026-10-25T08:00:00Z"));
    written("long_night", &plan);
    (plan.now, plan.until) = (at("2026-11-20T07:00:00Z"), at("2026-11-23T07:00:00Z"));
    written("weekend", &plan);
}

#[test]
fn a_chart_that_makes_no_sense_is_drawn_all_the_same() {
    let mut plan = chart(5);
    plan.until = plan.now - Duration::days(1);
    plan.rows[1].takes = -5;
    plan.rows[2].by_itself = ByItself::Every {
        minutes: 0,
        first_end: plan.now,
    };
    plan.rows[3].added = added(60 * 24 * 400, false);
    assert!(png(&plan).is_ok());
    let far = DateTime::<Utc>::MAX_UTC;
    plan.rows[2].by_itself = ByItself::Every {
        minutes: 60,
        first_end: far - Duration::days(1),
    };
    assert!(png(&plan).is_ok());
}

/// `cargo test --release --lib picture::tests::speed -- --ignored --nocapture`
#[test]
#[ignore = "a measurement"]
fn speed() {
    let plan = chart(40);
    let clock = crate::model::Ctx::new(crate::model::Clock::machine());
    let mut took = Vec::new();
    for _ in 0..20 {
        let began = clock.monotonic();
        assert!(png(&plan).is_ok());
        took.push(clock.monotonic() - began);
    }
    took.sort_unstable();
    println!("median {:?}, longest {:?}", took[10], took[19]);
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    println!(
        "{}",
        status
            .lines()
            .filter(|l| l.starts_with("Vm"))
            .collect::<Vec<_>>()
            .join("\n")
    );
}

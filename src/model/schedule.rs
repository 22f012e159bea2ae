//! How often Fivetran syncs a connection.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A sync frequency that Fivetran accepts, in minutes (OpenAPI `UpdateConnectorRequest`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "i64", into = "i64")]
pub struct Frequency(i64);

impl Frequency {
    /// Every value that Fivetran takes, in minutes; a plan may allow fewer.
    pub const ALLOWED: [i64; 11] = [1, 5, 15, 30, 60, 120, 180, 360, 480, 720, 1440];

    /// Once a day, the only frequency that takes a [`DailyTime`].
    pub const DAILY: Self = Self(1440);

    /// The minutes between two syncs.
    pub fn minutes(self) -> i64 {
        self.0
    }

    /// The allowed frequency that lies nearest to `minutes`, to suggest it to a person.
    pub fn nearest(minutes: i64) -> Self {
        let nearest = Self::ALLOWED
            .into_iter()
            .min_by_key(|m| (m - minutes).abs());
        Self(nearest.unwrap_or(360))
    }
}

impl TryFrom<i64> for Frequency {
    type Error = String;

    fn try_from(minutes: i64) -> Result<Self, String> {
        if Self::ALLOWED.contains(&minutes) {
            return Ok(Self(minutes));
        }
        let allowed = Self::ALLOWED.map(|m| Self(m).to_string()).join(", ");
        Err(format!(
            "Fivetran does not sync every {minutes} minutes; the nearest it takes is {} (it takes {allowed})",
            Self::nearest(minutes)
        ))
    }
}

impl From<Frequency> for i64 {
    fn from(frequency: Frequency) -> i64 {
        frequency.0
    }
}

impl fmt::Display for Frequency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            1440 => f.write_str("24h"),
            m if m % 60 == 0 => write!(f, "{}h", m / 60),
            m => write!(f, "{m}m"),
        }
    }
}

/// A daily start time: Fivetran takes whole hours, `00:00` to `23:00`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DailyTime(u8);

impl DailyTime {
    /// The hour of the day, 0 to 23.
    pub fn hour(self) -> u8 {
        self.0
    }
}

impl FromStr for DailyTime {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!("`{text}` is not a time that Fivetran takes; write a whole hour such as 03:00")
        };
        let (hour, minute) = text.split_once(':').ok_or_else(wrong)?;
        let hour: u8 = hour.parse().map_err(|_| wrong())?;
        if hour > 23 || minute != "00" {
            return Err(wrong());
        }
        Ok(Self(hour))
    }
}

impl TryFrom<String> for DailyTime {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<DailyTime> for String {
    fn from(time: DailyTime) -> String {
        time.to_string()
    }
}

impl fmt::Display for DailyTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:00", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_fivetrans_own_frequencies_are_taken() {
        assert_eq!(Frequency::try_from(60).unwrap().to_string(), "1h");
        assert_eq!(Frequency::try_from(15).unwrap().to_string(), "15m");
        let refused = Frequency::try_from(61).unwrap_err();
        assert!(refused.contains("the nearest it takes is 1h"), "{refused}");
    }

    #[test]
    fn daily_times_are_whole_hours() {
        assert_eq!("03:00".parse::<DailyTime>().unwrap().to_string(), "03:00");
        for wrong in ["3", "24:00", "03:30", "", ":", "-1:00", "99999:00"] {
            assert!(wrong.parse::<DailyTime>().is_err(), "{wrong}");
        }
    }
}

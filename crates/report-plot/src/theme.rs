//! Colours and sizes, the same in every chart, so that a reader learns them once.
//!
//! The colours can be told apart by people who see fewer of them, and differ in lightness for print.
//! A chart is drawn in the light ones; on a dark page a style sheet made here replaces each of them.

use std::fmt::Write as _;

use ce_record::Outcome;
use plotters::style::RGBColor;

/// Charts are drawn at twice their size, because the coordinates of the backends are whole pixels.
pub const SCALE: u32 = 2;
/// Width of every chart, in pixels.
pub const WIDTH: u32 = 1080 * SCALE;
/// Space left of the plot for the labels of the value axis, the same in every chart.
pub const LEFT: u32 = 76 * SCALE;
/// Space right of the plot.
pub const RIGHT: u32 = 24 * SCALE;
/// Space below the plot for the labels and the name of the horizontal axis.
pub const BOTTOM: u32 = 28 * SCALE;
/// Space below that for the axis name.
pub const NAME: u32 = 22 * SCALE;
/// Height of the row with the axis name and the legend.
pub const LEGEND: u32 = 32 * SCALE;
/// Height of the row with the title.
pub const TITLE: u32 = 36 * SCALE;
/// Size of labels in the unit of plotters, which is 1.24 times the size of the letters.
pub const LABEL_TEXT: f64 = 33.0;
/// Size of titles.
pub const TITLE_TEXT: f64 = 40.0;

/// What a colour stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colour {
    /// Letters.
    Text,
    /// Axes and their labels.
    Axis,
    /// Grid lines.
    Grid,
    /// Half of the events; also what was sent.
    Blue,
    /// 95 of 100 events.
    Orange,
    /// 99 of 100 events.
    Crimson,
    /// Maxima.
    Extreme,
    /// What was planned.
    Planned,
    /// What went well.
    Ok,
    /// What arrived.
    Received,
    /// What is missing.
    Missing,
    /// Marks of things that happened.
    Mark,
    /// Outcomes other than `ok`.
    Outcome(Outcome),
}

impl Colour {
    const PLAIN: [Self; 12] = [
        Self::Text,
        Self::Axis,
        Self::Grid,
        Self::Blue,
        Self::Orange,
        Self::Crimson,
        Self::Extreme,
        Self::Planned,
        Self::Ok,
        Self::Received,
        Self::Missing,
        Self::Mark,
    ];

    /// On light and on dark paper, as 0xRRGGBB.
    const fn pair(self) -> (u32, u32) {
        match self {
            Self::Text => (0x1F_29_33, 0xE4_E7_EB),
            Self::Axis => (0x52_60_6D, 0xA9_B4_C0),
            Self::Grid => (0xE1_E5_EA, 0x2F_39_45),
            Self::Blue => (0x00_72_B2, 0x56_B4_E9),
            Self::Orange => (0xD1_8B_00, 0xF0_B4_29),
            Self::Crimson => (0xB0_1E_5A, 0xFF_7D_B0),
            Self::Extreme => (0x7B_87_94, 0x8F_9B_A8),
            Self::Planned => (0x8A_96_A3, 0x9A_A5_B2),
            Self::Ok => (0x00_8F_68, 0x2F_CF_9C),
            Self::Received => (0xA0_4A_8C, 0xE0_92_CB),
            Self::Missing => (0xCF_22_2E, 0xFF_6B_6B),
            Self::Mark => (0x3E_4C_59, 0xCB_D2_D9),
            Self::Outcome(outcome) => outcome_pair(outcome),
        }
    }

    /// The colour on light paper.
    pub fn light(self) -> RGBColor {
        let [_, red, green, blue] = self.pair().0.to_be_bytes();
        RGBColor(red, green, blue)
    }

    /// The colour on light paper as CSS has it.
    pub fn css(self) -> String {
        format!("#{:06X}", self.pair().0)
    }
}

const fn outcome_pair(outcome: Outcome) -> (u32, u32) {
    match outcome {
        Outcome::Ok => (0x00_8F_68, 0x2F_CF_9C),
        Outcome::Rejected => (0xCC_33_11, 0xFF_6F_52),
        Outcome::Returned => (0xEE_77_33, 0xFF_9C_66),
        Outcome::Timeout => (0x88_22_55, 0xD1_60_8F),
        Outcome::ConnectError => (0x33_22_88, 0x8F_83_E6),
        Outcome::ProtocolError => (0xAA_44_99, 0xD9_7C_CB),
        Outcome::InDoubt => (0xB8_A2_2E, 0xDD_CC_77),
        Outcome::Dropped => (0x2B_8F_80, 0x5C_C9_B8),
        Outcome::Unsent => (0x3E_95_C2, 0x88_CC_EE),
        Outcome::Unfinished => (0x77_77_22, 0xBF_BF_55),
    }
}

/// Style rules that turn the colours of charts within `scope` into those for dark paper.
pub fn dark_rules(scope: &str) -> String {
    let outcomes = Outcome::ALL.into_iter().filter(|&outcome| outcome != Outcome::Ok);
    let colours = Colour::PLAIN.into_iter().chain(outcomes.map(Colour::Outcome));
    colours.fold(String::new(), |mut css, colour| {
        let (light, dark) = colour.pair();
        for attribute in ["fill", "stroke"] {
            writeln!(css, "{scope} [{attribute}=\"#{light:06X}\"]{{{attribute}:#{dark:06X}}}")
                .expect("a String takes any text");
        }
        css
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// A style rule finds a colour by its value, so two roles may share one only as a pair.
    #[test]
    fn a_light_colour_has_one_dark_counterpart() {
        let mut seen = BTreeMap::new();
        let outcomes = Outcome::ALL.into_iter().map(Colour::Outcome);
        for colour in Colour::PLAIN.into_iter().chain(outcomes) {
            let (light, dark) = colour.pair();
            assert_eq!(*seen.entry(light).or_insert(dark), dark, "{colour:?}");
        }
    }

    #[test]
    fn every_colour_has_its_rules() {
        let css = dark_rules(".chart");
        assert!(css.contains(".chart [stroke=\"#0072B2\"]{stroke:#56B4E9}\n"), "{css}");
        assert_eq!(css.lines().count(), 2 * (12 + 9));
    }
}

//! What has to hold of a run: objectives with two levels, and thresholds as k6 writes them.
//!
//! In reading order: [`metric`] and [`aggregate`] name what can be judged, [`objective`] says what
//! has to hold, [`threshold`] and [`table`] read objectives, [`measure`] finds their figures in what a
//! run directory or a live view knows, and [`figure`] shows them to people. Who judges, and what
//! follows from it, is the business of the tools.

pub mod aggregate;
mod error;
pub mod figure;
mod level;
pub mod measure;
pub mod metric;
pub mod objective;
mod syntax;
pub mod table;
pub mod threshold;

pub use error::SloError;

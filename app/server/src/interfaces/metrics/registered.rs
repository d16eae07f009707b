//! The metrics with their descriptions: nothing is told that is not described, and the other way round.

use prometheus_client::{
    encoding::text::encode,
    metrics::{MetricType, TypedMetric},
    registry::{Metric, Registry, Unit},
};

/// What a metric is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Described {
    /// As it is asked for; a histogram's has `_bucket`, `_sum` and `_count` besides.
    pub name: String,
    /// `counter`, `gauge`, `histogram` or `info`.
    pub kind: &'static str,
    /// The names of its labels.
    pub labels: &'static str,
    /// For people.
    pub help: &'static str,
}

/// The registry and what is in it.
#[derive(Debug, Default)]
pub(super) struct Registered {
    registry: Registry,
    described: Vec<Described>,
}

impl Registered {
    /// Adds a metric that begins at nothing.
    pub(super) fn empty<M: Metric + TypedMetric + Clone + Default>(
        &mut self,
        name: &'static str,
        unit: Option<Unit>,
        labels: &'static str,
        help: &'static str,
    ) -> M {
        self.add(name, unit, labels, help, M::default())
    }

    /// Adds a metric; its name is given without unit and without `_total`.
    pub(super) fn add<M: Metric + TypedMetric + Clone>(
        &mut self,
        name: &'static str,
        unit: Option<Unit>,
        labels: &'static str,
        help: &'static str,
        metric: M,
    ) -> M {
        let (kind, suffix) = match M::TYPE {
            MetricType::Counter => ("counter", "_total"),
            MetricType::Gauge => ("gauge", ""),
            MetricType::Histogram => ("histogram", ""),
            MetricType::Info => ("info", "_info"),
            MetricType::Unknown => ("unknown", ""),
        };
        let measured_in = unit.as_ref().map(|unit| format!("_{}", unit.as_str())).unwrap_or_default();
        self.described.push(Described { name: format!("{name}{measured_in}{suffix}"), kind, labels, help });
        match unit {
            Some(unit) => self.registry.register_with_unit(name, help, unit, metric.clone()),
            None => self.registry.register(name, help, metric.clone()),
        }
        metric
    }

    pub(super) fn described(&self) -> &[Described] {
        &self.described
    }

    /// Everything in OpenMetrics' text format.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        if let Err(error) = encode(&mut text, &self.registry) {
            tracing::error!(%error, "what is measured cannot be told");
        }
        text
    }
}

//! A number that may be unknown, and is missing then.

use prometheus_client::{
    encoding::{EncodeMetric, MetricEncoder},
    metrics::{MetricType, TypedMetric},
};
use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

#[derive(Clone, Debug, Default)]
pub(super) struct Sometimes(Arc<Mutex<Option<f64>>>);

impl Sometimes {
    pub(super) fn set(&self, number: Option<f64>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = number;
    }

    fn now(&self) -> Option<f64> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl TypedMetric for Sometimes {
    const TYPE: MetricType = MetricType::Gauge;
}

impl EncodeMetric for Sometimes {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        self.now().map_or(Ok(()), |number| encoder.encode_gauge(&number))
    }

    fn metric_type(&self) -> MetricType {
        Self::TYPE
    }

    fn is_empty(&self) -> bool {
        self.now().is_none()
    }
}

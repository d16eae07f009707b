//! Between the generated protobuf types and the strict ones.

mod decode;
mod encode;
mod events;
mod fields;
mod probes;
mod words;

pub(super) use decode::message_of;
pub(super) use encode::frame_of;
pub(super) use generated::Frame;

mod generated {
    //! What `build.rs` made of `proto/bln.proto`.
    #![expect(unreachable_pub, clippy::large_enum_variant, reason = "generated")]
    include!(concat!(env!("OUT_DIR"), "/bln.v1.rs"));
}

#[cfg(test)]
mod tests;

//! Compiles the proto file without `protoc`.

use std::path::Path;

const PROTO: &str = "taffrail/node/v1/node.proto";
const INCLUDE: &str = "proto";

fn main() -> anyhow::Result<()> {
    println!("cargo:rerun-if-changed={}", Path::new(INCLUDE).join(PROTO).display());
    let files = protox::compile([PROTO], [INCLUDE])?;
    tonic_prost_build::configure()
        .build_client(cfg!(feature = "client"))
        .build_server(cfg!(feature = "server"))
        // Whoever dials decides on TLS and timeouts; a `connect` here would hide both.
        .build_transport(false)
        .compile_fds(files)?;
    Ok(())
}

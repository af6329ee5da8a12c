// SPDX-License-Identifier: Apache-2.0
public import Wire

/// What a frame was received through, beyond its peer: the certificate that its sender has proven to own, and the proxy
/// that handed it on.
public struct Origin: Hashable, Sendable {
    /// The subject of the sender's certificate as RFC 4514 text; empty without one.
    public var subject: String
    /// The SHA-256 of the certificate in lower-case hexadecimal; empty without one.
    public var fingerprint: String
    /// The proxy's address, when the peer is whom a PROXY protocol header names.
    public var proxy: IPAddress?
    /// The file's path, when the frame is a line of one; empty otherwise.
    public var path: String

    /// An origin.
    public init(subject: String = "", fingerprint: String = "", proxy: IPAddress? = nil, path: String = "") {
        self.subject = subject
        self.fingerprint = fingerprint
        self.proxy = proxy
        self.path = path
    }
}

// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// What a dissector makes of the first bytes of a stream.
enum Recognition {
    /// They are of its protocol.
    case yes
    /// They are not.
    case no
    /// They may be; more bytes are needed.
    case more
}

/// Where bytes are that a dissector shall recognize.
enum StreamPlace {
    /// The first of a connection on a port of the protocol.
    case start
    /// The first that were captured of a connection on a port of the protocol.
    case joined
    /// On another port, or behind bytes that were not of the protocol.
    case doubtful
}

/// One end of a flow: the lower endpoint of its key, or the higher one.
enum Side: Int {
    case first
    case second

    var other: Side { self == .first ? .second : .first }
}

/// A run of in-order stream bytes with the packet that brought (the last of) them.
struct Segment: ~Escapable {
    /// The stream bytes.
    let payload: RawSpan
    /// The captured frame.
    let frame: RawSpan
    /// The packet's time, ns since the epoch.
    let time: Int64
    /// The TCP sequence number of the first payload byte.
    let sequence: UInt32
    /// The acknowledgement number of the packet: what its sender had received by then.
    let acknowledged: UInt32
    /// Whether the bytes stand alone: they came too late to fill their gap, and continue nothing.
    var isDetached = false

    @_lifetime(copy payload, copy frame)
    init(payload: RawSpan, frame: RawSpan, time: Int64, sequence: UInt32, acknowledged: UInt32) {
        self.payload = payload
        self.frame = frame
        self.time = time
        self.sequence = sequence
        self.acknowledged = acknowledged
    }
}

/// The state of one protocol in one flow. It lives as long as its flow.
protocol Session: AnyObject {
    /// Takes the next bytes that one side sent.
    func consume(_ segment: Segment, from side: Side, flow: Flow, output: inout Output)
    /// Learns that bytes of one side are missing from the capture before its next segment.
    func gap(_ count: Int, from side: Side, flow: Flow, output: inout Output)
    /// Reports what has waited too long, or everything at the end of the flow (`now` = .max). `isQuiet` says that a
    /// clock asks, not a packet; else packets that are still out of order may hold what is waited for.
    func expire(now: Int64, isQuiet: Bool, flow: Flow, output: inout Output)
    /// The packet time at which ``expire`` has something to do, or nil.
    var deadline: Int64? { get }
}

/// A protocol that the engine dissects. To add one: a file or folder in `Protocols`, and a line in ``Dissectors/all``.
protocol Dissector: SendableMetatype {
    /// The name in records and counters.
    static var name: String { get }
    /// Ports that hint at the protocol. Content decides.
    static var ports: [UInt16] { get }
    /// The names of its anomalies, in the order of their numbers.
    static var anomalies: [String] { get }
    /// Judges bytes that may begin a message; `place` says how much speaks for that.
    static func recognize(_ start: RawSpan, at place: StreamPlace) -> Recognition
    /// A session; `number` is the dissector's place in ``Dissectors/all``.
    static func session(number: Int, flow: Flow, first: RawSpan, from side: Side, options: EngineOptions) -> any Session
}

/// The protocols that this build dissects.
public enum Dissectors {
    static let all: [any Dissector.Type] = [
        Modbus.self
    ]

    /// The names of the protocols, in the order of their numbers.
    public static var names: [String] { all.map { $0.name } }
}

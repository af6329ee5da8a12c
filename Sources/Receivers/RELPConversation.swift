// SPDX-License-Identifier: Apache-2.0
internal import Codecs
internal import Transport
internal import Wire

/// The RELP side of one connection: its session, and the answers that it makes.
final class RELPConversation {
    private var session: RELPSession
    private var answers = Slab(capacity: 512)

    init(_ configuration: ListenerConfiguration) {
        session = RELPSession(maximum: configuration.maxMessageBytes)
    }

    /// Whether a full window has held back what may be whole messages; they come before more is read.
    var isBehind = false
    /// Whether messages wait for their acknowledgement: then it is not the sender who is silent.
    var isOwing: Bool { session.outstanding > 0 }
    /// Whether nothing more is read before something is acknowledged.
    var isFull: Bool { session.isWindowFull }
    /// Whether the session has ended, and only the connection is left to close.
    var isOver: Bool { session.ending != nil }
    /// The bytes that a connection may hold of what is not a whole frame yet.
    var bufferLimit: Int { session.bufferLimit }

    /// The next thing to do about `bytes` from `from` on.
    func next(in bytes: RawSpan, from: inout Int) -> RELPSession.Step {
        session.next(in: bytes, from: &from, answers: &answers)
    }

    /// The next `count` messages are safe.
    func acknowledge(_ count: Int) { session.acknowledge(count, answers: &answers) }

    /// Says that the server ends the session.
    func close() { session.close(answers: &answers) }

    /// Writes the answers as far as that goes.
    ///
    /// - Returns: what is wrong with the connection, or nil.
    func answer(on connection: StreamConnection) -> String? {
        if answers.count > 0 {
            let isQueued = connection.send(answers.bytes)
            answers.reset()
            guard isQueued else { return "it does not read its answers" }
        }
        guard connection.hasOutbound else { return nil }
        if case .failed(let error) = connection.flush() { return error.description }
        return nil
    }
}

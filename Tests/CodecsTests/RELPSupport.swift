// SPDX-License-Identifier: Apache-2.0
import Codecs
import Wire

/// A server's end of a connection: bytes arrive in chunks, what is consumed is forgotten.
struct RELPFeed: ~Copyable {
    struct Message: Equatable {
        var transaction: UInt32
        var bytes: [UInt8]
        var originalLength: Int
    }
    var session: RELPSession
    var messages: [Message] = []
    var last = RELPSession.Step.needMore
    var largestBuffer = 0
    /// Whether each message is acknowledged as soon as it is delivered.
    var acknowledges: Bool
    private var slab = Slab(capacity: 4_096)
    private var buffer: [UInt8] = []

    init(_ session: RELPSession = RELPSession(), acknowledges: Bool = true) {
        self.session = session
        self.acknowledges = acknowledges
    }

    /// What was sent so far.
    var answers: String { slab.bytes.text }
    var texts: [String] { messages.map { String(decoding: $0.bytes, as: UTF8.self) } }

    mutating func feed(_ text: String) { feed(Array(text.utf8)[...]) }

    mutating func feed(_ bytes: ArraySlice<UInt8>) {
        buffer += bytes
        largestBuffer = max(largestBuffer, buffer.count)
        run()
    }

    mutating func run() {
        let held = buffer
        var from = 0
        repeat {
            last = session.next(in: held.span.bytes, from: &from, answers: &slab)
            if case .deliver(let message) = last {
                messages.append(
                    Message(
                        transaction: message.transaction, bytes: held.span.bytes.part(message.extent).array,
                        originalLength: message.originalLength))
                if acknowledges { session.acknowledge(1, answers: &slab) }
                continue
            }
            break
        } while true
        buffer.removeFirst(from)
    }

    @discardableResult
    mutating func acknowledge(_ count: Int) -> Int { session.acknowledge(count, answers: &slab) }

    mutating func close() { session.close(answers: &slab) }

    /// What a stream of `bytes` leaves behind when it comes in chunks.
    static func outcome(
        _ bytes: [UInt8], _ session: RELPSession, chunk: Int
    ) -> (messages: [Message], answers: String, ending: RELPSession.Ending?) {
        var feed = RELPFeed(session)
        var position = 0
        while position < bytes.count {
            let end = min(position + chunk, bytes.count)
            feed.feed(bytes[position..<end])
            position = end
        }
        return (feed.messages, feed.answers, feed.session.ending)
    }
}

/// The start of every conversation.
let relpOpen = "1 open 86 relp_version=0\nrelp_software=librelp,1.11.0,http://librelp.adiscon.com\ncommands=syslog\n"
/// What it is answered with.
let relpOpened = "1 rsp 60 200 OK\nrelp_version=0\nrelp_software=penstock\ncommands=syslog\n"

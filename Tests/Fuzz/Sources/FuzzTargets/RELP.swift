// SPDX-License-Identifier: Apache-2.0
internal import Codecs
internal import Wire

/// When a message that was delivered is acknowledged.
private enum Policy {
    case atOnce
    /// A few whenever a read is used up, and one when the window is full.
    case later(Int)
}

private struct Conversation: Equatable {
    var messages: [[UInt8]] = []
    var transactions: [UInt32] = []
    var answers: [UInt8] = []
    var ending: RELPSession.Ending?
}

/// The chunks and the time of the acknowledgements change nothing that matters, answers are in order, bounds hold.
func fuzzRELP(_ input: RawSpan) {
    var choices = Choices(input)
    let sizes = choices.next()
    let policy = choices.next()
    let chunks = Chunks(seed: choices.next())
    var stream = choices.rest.array
    // Half of the inputs begin after the offers: those are a small part of what there is to find.
    let opening = Array("1 open 30 relp_version=1\ncommands=syslog\n".utf8)
    if sizes & 1 == 1 { stream = opening + stream }
    let session = RELPSession(
        maximum: [30, 48, 100, 65_536][(sizes >> 1) & 3], windowFrames: 1 + (sizes >> 3) & 7,
        windowBytes: [1, 30, 1_000, 1 << 20][(sizes >> 6) & 3])
    let whole = unsafe talk(stream.span.bytes, session, nil, .atOnce)
    let cut = unsafe talk(stream.span.bytes, session, chunks, .atOnce)
    check(whole == cut, "whole \(whole), in chunks \(cut)")
    let late = unsafe talk(stream.span.bytes, session, chunks, .later(1 + policy % 8))
    check(whole.messages == late.messages && whole.transactions == late.transactions, "late \(late), else \(whole)")
    check(whole.ending == late.ending, "late \(late), else \(whole)")
    if whole.ending == nil || whole.ending == .closed {
        check(whole.answers == late.answers, "late \(late), else \(whole)")
    }
}

private func talk(_ stream: RawSpan, _ session: RELPSession, _ chunks: Chunks?, _ policy: Policy) -> Conversation {
    var session = session
    var chunks = chunks
    var buffer = ConnectionBuffer()
    var answers = Slab(capacity: 256)
    var talk = Conversation()
    var position = 0
    var isOver = false
    while position < stream.byteCount, !isOver {
        let size = min(chunks?.next() ?? stream.byteCount, stream.byteCount - position)
        buffer.append(stream.part(position, size))
        position += size
        var from = 0
        steps: while true {
            let before = from
            let step = unsafe session.next(in: buffer.bytes.span.bytes, from: &from, answers: &answers)
            check(from >= before && from <= buffer.bytes.count, "from \(before) to \(from) of \(buffer.bytes.count)")
            check(session.outstanding <= session.windowFrames, "\(session.outstanding) wait")
            switch step {
            case .deliver(let message):
                let extent = message.extent.range
                check(extent.lowerBound >= before && extent.upperBound <= from, "\(message) from \(before)")
                check(message.originalLength >= extent.count && extent.count > 0, "\(message)")
                talk.messages.append(Array(buffer.bytes[extent]))
                talk.transactions.append(message.transaction)
                if case .atOnce = policy { session.acknowledge(1, answers: &answers) }
            case .needMore:
                if case .later(let count) = policy {
                    session.acknowledge(count, answers: &answers)
                }
                break steps
            case .windowFull:
                let waiting = session.outstanding
                check(session.isWindowFull && waiting > 0, "full with nothing that waits")
                session.acknowledge(1, answers: &answers)
                check(session.outstanding < waiting, "full, and still \(waiting) wait")
            case .close:
                isOver = true
                break steps
            }
        }
        buffer.consume(from)
        check(isOver || buffer.bytes.count < session.bufferLimit, "\(buffer.bytes.count) bytes and no frame")
    }
    if case .later = policy, session.ending == nil {
        session.acknowledge(.max, answers: &answers)
    }
    talk.ending = session.ending
    talk.answers = answers.bytes.array
    readAnswers(answers.bytes, session)
    return talk
}

/// Answers are frames themselves, numbered one after the other, and the hint that the server closes is the last.
private func readAnswers(_ answers: RawSpan, _ session: RELPSession) {
    var reader = RELPFrameReader()
    var position = 0
    var last: UInt32 = 0
    var isClosed = false
    while position < answers.byteCount {
        guard case .frame(let frame) = reader.next(in: answers, from: position) else {
            check(false, "no frame at \(position) of \(answers.text)")
            return
        }
        check(!isClosed, "an answer after the last one: \(answers.text)")
        if frame.command == .serverclose {
            check(frame.transaction == 0, answers.text)
            isClosed = true
        } else {
            check(frame.command == .rsp && frame.transaction == last + 1, answers.text)
            last = frame.transaction
        }
        position = frame.consumedTo
    }
    check(isClosed == (session.ending != nil), answers.text)
}

// SPDX-License-Identifier: Apache-2.0
internal import Codecs
internal import Events
internal import Wire

extension Normalizer {
    /// What is known of a record before its mapping is: the syslog header, extents counted in the batch's slab.
    struct Header {
        /// The frame; of one with several events, its part that the event is made of.
        var frame: Frame
        var content = Extent.empty
        /// The device: the host of the inner header where there are two.
        var hostname = Extent.empty
        /// The host of the outer header where there are two: who passed the message on.
        var relay = Extent.empty
        var appname = Extent.empty
        var procid = Extent.empty
        var msgid = Extent.empty
        var structuredData = Extent.empty
        var timestampText = Extent.empty
        var eventCode = Extent.empty
        var severity: Int?
        var facility: Int?
        var problems: SyslogProblems = []
        var time: Int64
        /// The frame's number in its lane.
        var sequence: UInt64 = 0
        /// The event's number, from 1, among those of its frame; 0: the frame has one only.
        var part: UInt16 = 0

        init(frame: Frame) {
            self.frame = frame
            time = frame.received
        }

        mutating func take(_ message: SyslogMessage, _ frame: Frame) {
            let base = frame.extent.offset
            func place(_ extent: Extent) -> Extent { extent.isEmpty ? .empty : extent.shifted(by: base) }
            content = place(message.message)
            if message.innerHostname.isEmpty {
                hostname = place(message.hostname)
            } else {
                hostname = place(message.innerHostname)
                relay = place(message.hostname)
            }
            appname = place(message.appname)
            procid = place(message.procid)
            msgid = place(message.msgid)
            structuredData = place(message.structuredData)
            timestampText = place(message.timestampText)
            eventCode = place(message.eventCode)
            severity = message.severity
            facility = message.facility
            problems = message.problems
            time = message.eventTime
        }

        /// Puts the header into the captures that every mapping has.
        func capture(_ builtins: Builtins, _ captures: inout CaptureTable, _ slab: inout Slab) {
            func text(_ slot: SlotID, _ extent: Extent) { if !extent.isEmpty { captures[slot] = .text(extent) } }
            text(builtins.message, content)
            text(builtins.hostname, hostname)
            text(builtins.relay, relay)
            text(builtins.appname, appname)
            text(builtins.procid, procid)
            text(builtins.msgid, msgid)
            text(builtins.eventCode, eventCode)
            text(builtins.structuredData, structuredData)
            if let severity { captures[builtins.severity] = .integer(Int64(severity)) }
            if let facility { captures[builtins.facility] = .integer(Int64(facility)) }
            if let peer = frame.peer {
                captures[builtins.peer] = .text(slab.append(peer))
                captures[builtins.peerPort] = .integer(Int64(frame.peerPort))
            }
            captures[builtins.transport] = .text(slab.append(frame.transport.name))
        }

        /// The time of an event that claims `time`: a clock far ahead would drive every window, so the time of receipt counts
        /// then (reference/sigma.md section 9). Files may say what they like.
        func settled(_ time: Int64) -> Int64 {
            let isLive = frame.transport != .sensor && frame.transport != .file
            return isLive && time > frame.received &+ 300_000_000_000 ? frame.received : time
        }

        /// The OCSF `severity_id` of a syslog severity (reference/syslog.md section 9).
        static func severity(_ syslog: Int?) -> Int64 {
            switch syslog {
            case 0: 6
            case 1, 2: 5
            case 3: 4
            case 4: 3
            case 5: 2
            case 6, 7: 1
            default: 0
            }
        }
    }
}

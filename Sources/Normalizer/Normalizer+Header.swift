// SPDX-License-Identifier: Apache-2.0
internal import Codecs
internal import Events
internal import Wire

extension Normalizer {
    /// What is known of a record before its mapping is: the syslog header, extents counted in the batch's slab.
    struct Header {
        let frame: Frame
        var content = Extent.empty
        var hostname = Extent.empty
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

        init(frame: Frame) {
            self.frame = frame
            time = frame.received
        }

        mutating func take(_ message: SyslogMessage, _ frame: Frame) {
            let base = frame.extent.offset
            func place(_ extent: Extent) -> Extent { extent.isEmpty ? .empty : extent.shifted(by: base) }
            content = place(message.message)
            hostname = place(message.hostname)
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
        func capture(_ builtins: Builtins, _ captures: inout [Capture], _ slab: inout Slab) {
            func text(_ slot: SlotID, _ extent: Extent) { if !extent.isEmpty { captures[slot] = .text(extent) } }
            text(builtins.message, content)
            text(builtins.hostname, hostname)
            text(builtins.appname, appname)
            text(builtins.procid, procid)
            text(builtins.msgid, msgid)
            text(builtins.eventCode, eventCode)
            if let severity { captures[builtins.severity] = .integer(Int64(severity)) }
            if let facility { captures[builtins.facility] = .integer(Int64(facility)) }
            if let peer = frame.peer {
                captures[builtins.peer] = .text(slab.append(peer.description))
                captures[builtins.peerPort] = .integer(Int64(frame.peerPort))
            }
            captures[builtins.transport] = .text(slab.append(frame.transport.name))
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

    /// The numbers of the attributes that the normalizer itself writes.
    struct Fields: Sendable {
        let activity, category, classUID, type, severity, time, message, rawData: FieldID
        let uid, version, product, profiles, loggedTime, originalTime: FieldID
        let deviceHostname, deviceAddress, deviceType: FieldID
        let unmapped, facility, appname, procid, msgid, structuredData, problems: FieldID
        let fault, attempted, cut, peer: FieldID
        let versionText, unknownText, hostText: ConstantText

        init(_ table: FieldTable) {
            func id(_ path: String) -> FieldID {
                guard let id = table.id(path) else { preconditionFailure("the field table lacks \(path)") }
                return id
            }
            func text(_ constant: String) -> ConstantText {
                guard let text = table.text(constant) else {
                    preconditionFailure("the field table lacks '\(constant)'")
                }
                return text
            }
            activity = id("activity_id")
            category = id("category_uid")
            classUID = id("class_uid")
            type = id("type_uid")
            severity = id("severity_id")
            time = id("time")
            message = id("message")
            rawData = id("raw_data")
            uid = id("metadata.uid")
            version = id("metadata.version")
            product = id("metadata.product.name")
            profiles = id("metadata.profiles")
            loggedTime = id("metadata.logged_time")
            originalTime = id("metadata.original_time")
            deviceHostname = id("device.hostname")
            deviceAddress = id("device.ip")
            deviceType = id("device.type_id")
            unmapped = id("unmapped")
            facility = id("unmapped.syslog.facility")
            appname = id("unmapped.syslog.appname")
            procid = id("unmapped.syslog.procid")
            msgid = id("unmapped.syslog.msgid")
            structuredData = id("unmapped.syslog.structured_data")
            problems = id("unmapped.syslog.problems")
            fault = id("unmapped.penstock.fault")
            attempted = id("unmapped.penstock.class_uid")
            cut = id("unmapped.penstock.cut")
            peer = id("unmapped.peer.ip")
            versionText = text(table.dictionary.version)
            unknownText = text("unknown")
            hostText = text("host")
        }
    }
}

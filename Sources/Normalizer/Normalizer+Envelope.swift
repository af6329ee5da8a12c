// SPDX-License-Identifier: Apache-2.0
internal import Codecs
internal import Events
internal import Wire

extension Normalizer {
    /// Writes time, identity, original text, the way it came, and what the syslog header said beyond the event.
    mutating func envelope(_ header: Header, _ own: EnvelopePlaces, _ time: Int64, _ batch: inout Batch) {
        let frame = header.frame
        row.put(own.time, integer: time / 1_000_000)
        row.put(own.loggedTime, integer: frame.received / 1_000_000)
        row.put(own.uid, text: uid(header.sequence, header.part, batch.position?.epoch, &batch.slab))
        guard frame.transport != .sensor else { return }
        let original = cut(frame.extent, batch.slab)
        row.put(own.rawData, text: original)
        putText(own.originalTime, header.timestampText)
        if let facility = header.facility { row.put(own.facility, integer: Int64(facility)) }
        putText(own.appname, header.appname)
        putText(own.procid, header.procid)
        putText(own.msgid, header.msgid)
        putText(own.structuredData, header.structuredData)
        putText(own.relay, header.relay)
        if frame.isCut || original.length < frame.extent.length { row.put(own.cut, boolean: true) }
        if let peer = frame.peer { row.put(own.peer, text: batch.slab.append(peer)) }
        if !header.problems.isEmpty { row.put(own.problems, text: problems.append(header.problems, to: &batch.slab)) }
        if frame.origin > 0, let origin = batch.origin(of: frame) {
            putText(own.subject, batch.slab.append(origin.subject))
            putText(own.fingerprint, batch.slab.append(origin.fingerprint))
            if let proxy = origin.proxy { row.put(own.proxy, text: batch.slab.append(proxy)) }
            putText(own.path, batch.slab.append(origin.path))
        }
    }

    @inline(__always)
    private mutating func putText(_ place: Place, _ extent: Extent) {
        if !extent.isEmpty { row.put(place, text: extent) }
    }

    /// As much of a text as the schema takes, whole characters only.
    private mutating func cut(_ extent: Extent, _ slab: borrowing Slab) -> Extent {
        guard extent.length > set.longestText else { return extent }
        var length = Int(set.longestText)
        let bytes = slab.bytes(extent)
        while length > 0, let byte = bytes.byte(at: length), byte & 0xC0 == 0x80 { length -= 1 }
        return Extent(0..<length).shifted(by: extent.offset)
    }

    /// The event's `metadata.uid`: the journal's number with its epoch, so that a number which a power failure took back
    /// never names two events; without a journal the running number. Further events of a frame have their number behind it:
    /// `3-4711`, `3-4711-2`.
    private mutating func uid(_ sequence: UInt64, _ part: UInt16, _ epoch: UInt32?, _ slab: inout Slab) -> Extent {
        let start = slab.count
        slab.append(uidPrefix.span.bytes)
        if let epoch {
            slab.append(decimal: Int64(epoch))
            slab.append(byte: 0x2D)
        }
        slab.append(decimal: Int64(bitPattern: sequence))
        if part > 1 {
            slab.append(byte: 0x2D)
            slab.append(decimal: Int64(part))
        }
        return Extent(start..<slab.count)
    }

    /// The device that reported: the syslog host name, or the sender's address.
    mutating func device(_ header: Header, _ own: EnvelopePlaces, _ slab: inout Slab) {
        if !header.hostname.isEmpty {
            let isAddress = header.hostname.length <= 40 && IPAddress(slab.bytes(header.hostname)) != nil
            row.put(isAddress ? own.deviceAddress : own.deviceHostname, text: header.hostname)
        } else if let peer = header.frame.peer {
            row.put(own.deviceAddress, text: slab.append(peer))
        } else {
            row.put(own.deviceHostname, constant: set.fields.unknownText)
        }
    }

    /// The time of an event that claims `time`: an event from the future is held to its receipt, and marked with what it claims.
    mutating func settle(_ time: Int64, _ header: Header, _ own: EnvelopePlaces) -> Int64 {
        claimedTime = time
        let settled = header.settled(time)
        if settled != time { row.put(own.claimedTime, integer: time / 1_000_000) }
        return settled
    }

    /// The event of a record that no mapping could make one of: OCSF Base Event, with the text and the reason.
    mutating func baseEvent(
        _ index: Int, _ header: Header, fault: FieldID?, attempted: Int?, _ batch: inout Batch
    ) {
        let own = set.basePlaces
        row.begin(set.base)
        row.putConstants(set.base)
        row.put(own.severity, integer: Header.severity(header.severity))
        let time = settle(header.time, header, own)
        envelope(header, own, time, &batch)
        if header.frame.transport != .sensor {
            row.put(set.profilesPlace, constant: set.fields.hostText)
            row.put(own.deviceType, integer: 0)
            device(header, own, &batch.slab)
            if !header.content.isEmpty { row.put(own.message, text: cut(header.content, batch.slab)) }
        }
        if let attempted {
            row.put(own.attempted, integer: Int64(attempted))
            let path = fault.map {
                Int($0) < set.table.fields.count ? set.table.fields[Int($0)].path : "a required attribute"
            }
            row.put(own.fault, text: batch.slab.append("missing: " + (path ?? "one of several")))
        }
        if header.part > 0, let rest = untold(&batch.slab) { row.put(own.unmapped, kind: .members, rest) }
        row.finish(
            Row(frame: index, classUID: 0, time: time, sequence: header.sequence), to: &batch)
    }
}

// SPDX-License-Identifier: Apache-2.0
internal import Codecs
internal import Wire

/// Fields lie inside the message, a strictly valid message is one for every reading, and the JSON is JSON.
func fuzzSyslog(_ input: RawSpan) {
    var choices = Choices(input)
    let flags = choices.next()
    let received = 1_772_712_000_000_000_000 + Int64(choices.next()) * 1_234_567_890_123_456
    let bytes = choices.rest
    let strict = read(bytes, SyslogOptions(), received)
    var options = SyslogOptions()
    options.expected = .rfc5424
    let demanded = read(bytes, options, received)
    check(demanded.isStrict == strict.isStrict, "strict differs when RFC 5424 is demanded")
    if strict.isStrict {
        check(strict.format == .rfc5424 && strict.faultOffset == -1, "\(strict)")
        check(same(strict, demanded), "\(strict), demanded \(demanded)")
        check((0...191).contains(strict.priority) && strict.version >= 1 && strict.isUsable, "\(strict)")
        check(SyslogParser().isValid(strict), "\(strict)")
    } else {
        check(strict.faultOffset >= 0 && strict.faultOffset <= bytes.byteCount, "\(strict)")
    }
    options = SyslogOptions()
    options.isLenient = flags & 1 != 0
    options.expectsHostname = flags & 2 == 0
    options.tagWithoutColon = flags & 4 != 0
    options.cutsFields = flags & 8 != 0
    options.requiresUTF8AfterBOM = flags & 16 == 0
    options.expected = [.any, .rfc3164, .noHeader, .raw][(flags >> 5) & 3]
    if flags & 128 != 0 {
        options.assumedPriority = 13
        options.zone = SyslogZone(named: "Europe/Vienna") ?? .utc
        options.notHosts = ["ctld"]
    }
    let lenient = read(bytes, options, received)
    if strict.isStrict, options.expected == .any {
        check(SyslogParser(options).isValid(lenient), "strictly valid, but not leniently: \(lenient)")
        if options.requiresUTF8AfterBOM { check(same(strict, lenient), "\(strict), leniently \(lenient)") }
    }
}

/// Whether two readings found the same.
private func same(_ one: SyslogMessage, _ other: SyslogMessage) -> Bool {
    one.format == other.format && one.priority == other.priority && one.timestamp == other.timestamp
        && one.hostname == other.hostname && one.appname == other.appname && one.procid == other.procid
        && one.msgid == other.msgid && one.structuredData == other.structuredData && one.message == other.message
        && one.version == other.version && one.zoneOffset == other.zoneOffset && one.problems == other.problems
}

private func read(_ bytes: RawSpan, _ options: SyslogOptions, _ received: Int64) -> SyslogMessage {
    let parser = SyslogParser(options)
    let message = parser.parse(bytes, receivedAt: received)
    for extent in [
        message.priorityText, message.timestampText, message.hostname, message.appname, message.procid, message.msgid,
        message.structuredData, message.message, message.eventCode,
    ] {
        check(extent.range.upperBound <= bytes.byteCount, "\(extent) of \(bytes.byteCount) bytes: \(message)")
    }
    check(message.priority >= -1 && message.priority <= 191, "\(message)")
    let line = SyslogJSON.line(message, of: bytes, by: parser)
    var json = JSONCheck(unsafe line.span.bytes)
    check(json.isOneObjectLine(), unsafe line.span.bytes.text)
    return message
}

// SPDX-License-Identifier: Apache-2.0
internal import Codecs
internal import Wire

/// Every payload reader ends, and what it gives lies inside the input, in order.
func fuzzPayload(_ input: RawSpan) {
    var choices = Choices(input)
    let reader = choices.next()
    let options = choices.next()
    switch reader % 6 {
    case 0: fuzzKeyValue(choices.rest, options)
    case 1: fuzzCEF(choices.rest, options)
    case 2: fuzzLEEF(choices.rest)
    case 3: fuzzCSV(choices.rest, options)
    case 4: fuzzDissect(choices.rest, options)
    default: fuzzEventXML(choices.rest)
    }
}

/// That extents follow each other inside the bytes.
private struct Order {
    var end: UInt32 = 0
    let count: Int

    mutating func check(_ extent: Extent) {
        FuzzTargets.check(
            extent.offset >= end && Int(extent.end) <= count, "\(extent) behind \(end), of \(count) bytes")
        end = extent.end
    }
}

private func fuzzKeyValue(_ bytes: RawSpan, _ options: Int) {
    let quote: UInt8? = options & 4 == 0 ? 0x22 : nil
    let styles: [KeyValue.Style] = [.blanks, .semicolons, .commas, .init(separators: [0x7C], quote: 0x27)]
    var style = styles[options & 3]
    if quote == nil { style.quote = nil }
    style.trimsBlanks = options & 8 == 0
    var order = Order(count: bytes.byteCount)
    var slab = Slab(capacity: 256)
    walk(bytes, style, &order, &slab)
    // A part of a line is read as if there were nothing else.
    let half = bytes.byteCount / 2
    var whole = KeyValue(bytes, Extent(half..<bytes.byteCount), style)
    var part = KeyValue(bytes.part(half, bytes.byteCount), style: style)
    while let pair = whole.next() {
        let other = part.next()
        check(
            other?.key.offset == pair.key.offset &- UInt32(half) || pair.key.isEmpty,
            "\(pair), alone \(String(describing: other))")
    }
    check(part.next() == nil, "more pairs in a part alone")
}

private func walk(_ bytes: RawSpan, _ style: KeyValue.Style, _ order: inout Order, _ slab: inout Slab) {
    var reader = KeyValue(bytes, style: style)
    var count = 0
    while let pair = reader.next() {
        if !pair.key.isEmpty { order.check(pair.key) }
        if !pair.value.isEmpty { order.check(pair.value) }
        if pair.isQuoted {
            let copy = KeyValue.unescape(bytes.part(pair.value), quote: style.quote ?? 0x22, into: &slab)
            check(copy.length <= pair.value.length, "unescaped is longer")
        }
        count += 1
        check(count <= bytes.byteCount, "more pairs than bytes")
    }
}

private func fuzzCEF(_ bytes: RawSpan, _ options: Int) {
    guard let header = CEF(bytes) else { return }
    var order = Order(count: bytes.byteCount)
    for field in [
        header.version, header.vendor, header.product, header.deviceVersion, header.classID, header.name,
        header.severity, header.extensions,
    ] {
        order.check(field)
    }
    order = Order(end: header.extensions.offset, count: bytes.byteCount)
    var slab = Slab(capacity: 256)
    var pairs = header.pairs(of: bytes, separator: options & 1 == 0 ? 0x20 : 0x2C)
    while let (key, value) = pairs.next() {
        check(!key.isEmpty, "an empty key")
        order.check(key)
        order.check(value)
        check(CEF.unescapeValue(bytes.part(value), into: &slab).length <= value.length, "unescaped is longer")
    }
}

private func fuzzLEEF(_ bytes: RawSpan) {
    guard let header = LEEF(bytes) else { return }
    var order = Order(count: bytes.byteCount)
    for field in [
        header.version, header.vendor, header.product, header.productVersion, header.eventID, header.attributes,
    ] {
        order.check(field)
    }
    var count = 0
    var pairs = header.pairs(of: bytes)
    while pairs.next() != nil { count += 1 }
    check(count <= bytes.byteCount, "more pairs than bytes")
}

private func fuzzCSV(_ bytes: RawSpan, _ options: Int) {
    let isQuoted = options & 1 == 0
    let (hasBackslashes, trims) = (options & 2 != 0, options & 4 != 0)
    let separator = [",", "\t", "#011", "ab"][options >> 3 & 3]
    guard
        let style = CSV.Style(
            separatorText: separator, quote: isQuoted ? 0x22 : nil, hasBackslashes: hasBackslashes,
            trimsBlanks: trims)
    else {
        check(false, "a separator was refused")
        return
    }
    var order = Order(count: bytes.byteCount)
    var slab = Slab(capacity: 256)
    var reader = CSV(bytes, style: style)
    var count = 0
    while let field = reader.next() {
        order.check(field.value)
        let text = bytes.part(field.value)
        if field.isQuoted {
            let copy = CSV.unescape(text, style, into: &slab)
            check((copy.length < field.value.length) == field.hasEscapes, "\(field)")
        } else {
            check(!field.hasEscapes && !field.isUnterminated, "\(field)")
        }
        count += 1
    }
    check(count <= bytes.byteCount + 1 && (count > 0) == (bytes.byteCount > 0), "\(count) fields")
}

private func fuzzDissect(_ bytes: RawSpan, _ options: Int) {
    // The pattern, and the line behind it.
    let text = bytes.part(0, options)
    let line = bytes.part(text.byteCount, bytes.byteCount)
    do {
        let pattern = try Dissect.Pattern(text.text)
        check(pattern.names.count <= Dissect.Pattern.maximumFields, "too many fields")
        var fields: [Extent] = []
        guard pattern.match(line, into: &fields) else { return }
        check(fields.count == pattern.names.count, "\(fields.count) fields")
        var order = Order(count: line.byteCount)
        for field in fields { order.check(field) }
    } catch {
        check(error.offset >= 0 && error.offset <= text.text.utf8.count, "\(error)")
    }
}

private func fuzzEventXML(_ bytes: RawSpan) {
    var reader = EventXML(bytes)
    var order = Order(count: bytes.byteCount)
    var slab = Slab(capacity: 256)
    var depth = 0
    func unescape(_ text: EventXML.Text) {
        let copy = EventXML.unescape(bytes.part(text.extent), into: &slab)
        check(copy.length <= text.extent.length, "unescaped is longer")
    }
    do {
        while let token = try reader.next() {
            switch token {
            case .start(let name):
                order.check(name)
                depth += 1
            case .attribute(let name, let value):
                order.check(name)
                order.check(value.extent)
                unescape(value)
            case .text(let value):
                order.check(value.extent)
                unescape(value)
            case .end: depth -= 1
            }
            check(depth == reader.depth && depth <= EventXML.maximumDepth, "depth \(depth)")
        }
        check(depth == 0, "the record ended at depth \(depth)")
    } catch {
        check(depth <= EventXML.maximumDepth, "\(error)")
    }
}

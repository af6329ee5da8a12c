// SPDX-License-Identifier: Apache-2.0
public import Wire

/// One value of one event: which field, what kind, and the value itself or where its bytes are. 16 bytes.
public struct Entry: Sendable {
    /// What the payload means.
    public enum Kind: UInt8, Sendable {
        /// A 64-bit whole number.
        case integer
        /// A 64-bit floating-point number.
        case double
        /// True or false.
        case boolean
        /// Text in the batch's slab; may be invalid UTF-8, which writers repair.
        case text
        /// Text in the table's constants.
        case constant
        /// One whole JSON value in the slab, written as it stands.
        case json
        /// `"key":value,…` in the slab: members of a container beside those that have fields of their own.
        case members
        /// An array without elements.
        case emptyArray
    }

    @usableFromInline var payload: UInt64
    /// The positions in the arrays around the value, outermost first: 12, 10 and 10 bits.
    public var element: UInt32
    /// The field.
    public var field: FieldID
    /// What the payload means.
    public var kind: Kind

    /// The most elements of an outermost array, and of the two below it.
    public static let elementLimits = (4095, 1023, 1023)

    @inlinable
    init(_ field: FieldID, _ kind: Kind, _ payload: UInt64, _ element: UInt32) {
        self.payload = payload
        self.element = element
        self.field = field
        self.kind = kind
    }

    /// A whole number.
    @inlinable
    public static func integer(_ field: FieldID, _ value: Int64, element: UInt32 = 0) -> Entry {
        Entry(field, .integer, UInt64(bitPattern: value), element)
    }

    /// A floating-point number.
    @inlinable
    public static func double(_ field: FieldID, _ value: Double, element: UInt32 = 0) -> Entry {
        Entry(field, .double, value.bitPattern, element)
    }

    /// A truth value.
    @inlinable
    public static func boolean(_ field: FieldID, _ value: Bool, element: UInt32 = 0) -> Entry {
        Entry(field, .boolean, value ? 1 : 0, element)
    }

    /// Text, JSON or members in the slab.
    @inlinable
    public static func bytes(_ field: FieldID, _ kind: Kind, _ extent: Extent, element: UInt32 = 0) -> Entry {
        Entry(field, kind, UInt64(extent.offset) << 32 | UInt64(extent.length), element)
    }

    /// Text in the table's constants.
    @inlinable
    public static func constant(_ field: FieldID, _ text: ConstantText, element: UInt32 = 0) -> Entry {
        Entry(field, .constant, text.payload, element)
    }

    /// An array without elements.
    @inlinable
    public static func emptyArray(_ field: FieldID, element: UInt32 = 0) -> Entry {
        Entry(field, .emptyArray, 0, element)
    }

    /// The whole number; only of kind `.integer`.
    @inlinable
    public var integer: Int64 { Int64(bitPattern: payload) }
    /// The floating-point number; only of kind `.double`.
    @inlinable
    public var double: Double { Double(bitPattern: payload) }
    /// The truth value; only of kind `.boolean`.
    @inlinable
    public var boolean: Bool { payload != 0 }
    /// Where the bytes are; only of the kinds that have some.
    @inlinable
    public var extent: Extent {
        Extent(offset: UInt32(payload >> 32), length: UInt32(truncatingIfNeeded: payload))
    }

    /// Field, then position: the order of entries in an event.
    @inlinable
    public var order: UInt64 { UInt64(field) << 32 | UInt64(element) }

    /// The element number for one, two or three arrays around a value, or nil when one is above its limit.
    public static func element(_ first: Int, _ second: Int = 0, _ third: Int = 0) -> UInt32? {
        guard (0...elementLimits.0).contains(first), (0...elementLimits.1).contains(second),
            (0...elementLimits.2).contains(third)
        else { return nil }
        return UInt32(first) << 20 | UInt32(second) << 10 | UInt32(third)
    }

    /// The position in array number `level` (0 outermost).
    @inlinable
    public static func position(_ element: UInt32, level: Int) -> UInt32 {
        switch level {
        case 0: element >> 20
        case 1: element >> 10 & 1023
        default: element & 1023
        }
    }

    /// The positions of the outermost `levels` arrays, the others 0.
    @inlinable
    public static func prefix(_ element: UInt32, levels: Int) -> UInt32 {
        switch levels {
        case 0: 0
        case 1: element & 0xFFF0_0000
        case 2: element & 0xFFFF_FC00
        default: element
        }
    }
}

extension ConstantText {
    @usableFromInline var payload: UInt64 { UInt64(offset) << 32 | UInt64(length) }
}

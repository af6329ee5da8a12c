// SPDX-License-Identifier: Apache-2.0
internal import Events
internal import Wire

extension Normalizer {
    /// The attributes that the normalizer itself writes, each with something of `Value`: its number in the field table, or
    /// its place in a shape.
    struct Own<Value: Sendable>: Sendable {
        let activity, category, classUID, type, severity, time, message, rawData: Value
        let uid, version, product, loggedTime, originalTime: Value
        let deviceHostname, deviceAddress, deviceType: Value
        let unmapped, facility, appname, procid, msgid, structuredData, problems: Value
        let fault, attempted, cut, claimedTime, peer, relay: Value
        let subject, fingerprint, proxy, path: Value

        init(_ value: (String) -> Value) {
            activity = value("activity_id")
            category = value("category_uid")
            classUID = value("class_uid")
            type = value("type_uid")
            severity = value("severity_id")
            time = value("time")
            message = value("message")
            rawData = value("raw_data")
            uid = value("metadata.uid")
            version = value("metadata.version")
            product = value("metadata.product.name")
            loggedTime = value("metadata.logged_time")
            originalTime = value("metadata.original_time")
            deviceHostname = value("device.hostname")
            deviceAddress = value("device.ip")
            deviceType = value("device.type_id")
            unmapped = value("unmapped")
            facility = value("unmapped.syslog.facility")
            appname = value("unmapped.syslog.appname")
            procid = value("unmapped.syslog.procid")
            msgid = value("unmapped.syslog.msgid")
            structuredData = value("unmapped.syslog.structured_data")
            problems = value("unmapped.syslog.problems")
            fault = value("unmapped.penstock.fault")
            attempted = value("unmapped.penstock.class_uid")
            cut = value("unmapped.penstock.cut")
            claimedTime = value("unmapped.penstock.claimed_time")
            peer = value("unmapped.peer.ip")
            relay = value("unmapped.syslog.relay")
            subject = value("unmapped.origin.tls.subject")
            fingerprint = value("unmapped.origin.tls.fingerprint")
            proxy = value("unmapped.origin.proxy.ip")
            path = value("unmapped.origin.file.path")
        }
    }

    /// The numbers of the attributes that the normalizer itself writes, and its constants.
    struct Fields: Sendable {
        let profiles: FieldID
        let unknownText, hostText: ConstantText
        /// The class of events that no mapping makes, and their shape.
        let baseClass: OCSFDictionary.EventClass
        let base: RowShape
        private let table: FieldTable

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
            guard let baseClass = table.dictionary.classes[0] else { preconditionFailure("OCSF has a base event") }
            self.table = table
            self.baseClass = baseClass
            profiles = id("metadata.profiles")
            unknownText = text("unknown")
            hostText = text("host")
            let numbers = ["class_uid", "category_uid", "activity_id", "type_uid"]
            var constants = numbers.map { Entry.integer(id($0), 0) }
            constants.append(.constant(id("metadata.version"), text(table.dictionary.version)))
            constants.append(.constant(id("metadata.product.name"), unknownText))
            if !table.dictionary.isNative {
                constants.append(.constant(id("metadata.product.vendor_name"), unknownText))
            }
            base = RowShape(fields: Fields.all(of: baseClass, table) + [profiles], constants: constants)
        }

        /// The attributes that the normalizer itself writes in a class.
        func all(of eventClass: OCSFDictionary.EventClass) -> [FieldID] { Fields.all(of: eventClass, table) }

        private static func all(of eventClass: OCSFDictionary.EventClass, _ table: FieldTable) -> [FieldID] {
            var all: [FieldID] = []
            _ = Own<Void> { all.append(id($0, in: eventClass, table)) }
            return all
        }

        /// The places of the attributes in a shape of a class that has them all.
        func places(_ shape: RowShape, _ eventClass: OCSFDictionary.EventClass) -> Own<Place> {
            Own { shape.place(Fields.id($0, in: eventClass, table)) }
        }

        private static func id(
            _ path: String, in eventClass: OCSFDictionary.EventClass, _ table: FieldTable
        ) -> FieldID {
            let isMissing =
                !table.dictionary.isNative && path.hasPrefix("device.") && eventClass.shape.attributes["device"] == nil
            guard let id = isMissing ? table.movedID(path) : table.id(path) else {
                preconditionFailure("the field table lacks \(path)")
            }
            return id
        }
    }
}

/// The places of the normalizer's own attributes in one shape.
typealias EnvelopePlaces = Normalizer.Own<Place>

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
        let fault, attempted, cut, peer: Value
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
            peer = value("unmapped.peer.ip")
            subject = value("unmapped.origin.tls.subject")
            fingerprint = value("unmapped.origin.tls.fingerprint")
            proxy = value("unmapped.origin.proxy.ip")
            path = value("unmapped.origin.file.path")
        }
    }

    /// The numbers of the attributes that the normalizer itself writes, and its constants.
    struct Fields: Sendable {
        /// All of them.
        let all: [FieldID]
        let profiles: FieldID
        let versionText, unknownText, hostText: ConstantText
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
            var all: [FieldID] = []
            _ = Own<Void> { all.append(id($0)) }
            self.all = all
            self.table = table
            profiles = id("metadata.profiles")
            versionText = text(table.dictionary.version)
            unknownText = text("unknown")
            hostText = text("host")
        }

        /// The places of the attributes in a shape that has them all.
        func places(_ shape: RowShape) -> Own<Place> {
            Own { path in
                guard let id = table.id(path) else { preconditionFailure("the field table lacks \(path)") }
                return shape.place(id)
            }
        }
    }
}

/// The places of the normalizer's own attributes in one shape.
typealias EnvelopePlaces = Normalizer.Own<Place>

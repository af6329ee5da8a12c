// SPDX-License-Identifier: Apache-2.0
import Events
import Testing

struct DictionaryTests {
    let dictionary = OCSFDictionary.v1_8_0

    @Test func networkActivity() throws {
        let found = try #require(dictionary.eventClass("network_activity"))
        #expect(dictionary.version == "1.8.0")
        #expect(
            found.uid == 4001 && found.caption == "Network Activity" && found.category == 4
                && found.categoryCaption == "Network Activity")
        #expect(found.shape.attributes["activity_id"]?.enumeration?.captions["6"] == "Traffic")
        #expect(found.shape.attributes["activity_id"]?.requirement == .required)
        #expect(found.shape.attributes["src_endpoint"]?.object == "network_endpoint")
        #expect(found.shape.attributes["device"]?.profiles.contains("host") == true)
        #expect(found.shape.attributes["finding_info"] == nil)
    }

    @Test func detectionFinding() throws {
        let found = try #require(dictionary.eventClass("2004"))
        #expect(found.shape.name == "detection_finding" && found.category == 2 && found.categoryCaption == "Findings")
        #expect(found.shape.attributes["finding_info"]?.requirement == .required)
        #expect(found.shape.attributes["evidences"]?.isArray == true)
        #expect(found.shape.attributes["is_alert"]?.primitive == .boolean)
    }

    @Test func authentication() throws {
        let found = try #require(dictionary.classes[3002])
        #expect(found.caption == "Authentication" && found.category == 3)
        #expect(found.shape.attributes["user"]?.requirement == .required)
        #expect(found.shape.attributes["status_id"]?.sibling == "status")
        #expect(found.shape.attributes["logon_type_id"]?.enumeration?.id(of: "NETWORK") == "3")
        let constrained = found.shape.constraints.contains {
            if case .atLeastOne(let names) = $0 { Set(names) == ["service", "dst_endpoint"] } else { false }
        }
        #expect(constrained)
    }

    @Test func attributes() {
        #expect(dictionary.attribute(at: "src_endpoint.ip")?.type == "ip_t")
        #expect(dictionary.attribute(at: "src_endpoint.port")?.primitive == .integer)
        #expect(
            dictionary.attribute(at: "time")?.primitive == .long
                && dictionary.attribute(at: "time")?.type == "timestamp_t")
        #expect(dictionary.attribute(at: "evidences.dst_endpoint.ip")?.primitive == .string)
        for path in ["", "src_endpoint.nonsense", "time.x", "nonsense", "unmapped.x"] {
            #expect(dictionary.attribute(at: path) == nil)
        }
        #expect(dictionary.eventClass("no_such") == nil && dictionary.eventClass("999999") == nil)
        #expect(dictionary.profiles.isSuperset(of: ["host", "security_control", "datetime"]))
    }

    /// Objects and siblings that attributes name exist, and no class is without a name.
    @Test func isWhole() {
        var shapes = Array(dictionary.objects.values)
        for (uid, found) in dictionary.classes {
            #expect(found.uid == uid && dictionary.eventClass(found.shape.name)?.uid == uid && !found.caption.isEmpty)
            shapes.append(found.shape)
        }
        #expect(dictionary.classes.count > 70 && dictionary.objects.count > 150)
        for shape in shapes {
            for attribute in shape.attributes.values {
                if let object = attribute.object {
                    #expect(dictionary.objects[object] != nil, "\(shape.name).\(attribute.name)")
                }
            }
        }
    }
}

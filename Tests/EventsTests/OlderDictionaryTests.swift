// SPDX-License-Identifier: Apache-2.0
import Events
import Testing

struct OlderDictionaryTests {
    let dictionary = OCSFDictionary.v1_1_0

    @Test func versions() {
        #expect(OCSFDictionary.versions == ["1.8.0", "1.1.0"])
        for version in OCSFDictionary.versions { #expect(OCSFDictionary.of(version: version)?.version == version) }
        #expect(OCSFDictionary.of(version: "1.2.0") == nil)
        #expect(OCSFDictionary.v1_8_0.isNative && !dictionary.isNative)
    }

    @Test func classes() throws {
        let flow = try #require(dictionary.eventClass("network_activity"))
        #expect(flow.uid == 4001 && flow.shape.attributes["src_endpoint"]?.requirement == .required)
        #expect(flow.shape.attributes["activity_id"]?.enumeration?.id(of: "Listen") == nil)
        #expect(dictionary.eventClass("tunnel_activity") == nil)
        #expect(dictionary.classes[0]?.shape.attributes["device"] == nil)
        // Names without the extension's, which would be a folder in the lake.
        #expect(dictionary.eventClass("registry_key_activity")?.shape.attributes["reg_key"]?.object == "reg_key")
        #expect(dictionary.objects["reg_key"]?.attributes["path"] != nil)
    }

    @Test func movedFields() {
        for (dictionary, isOlder) in [(OCSFDictionary.v1_8_0, false), (.v1_1_0, true)] {
            var builder = FieldTable.Builder(dictionary)
            for path in ["policy.name", "unmapped.policy.name", "message"] { builder.add(path) }
            let table = builder.build()
            #expect(table.movedID("policy.name") == (isOlder ? table.id("unmapped.policy.name") : nil))
            #expect(table.movedID("message") == nil && table.movedID("other") == nil)
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
import Events
import Incidents
import Testing

@Suite struct SubjectTests {
    @Test func isTheSeedsForm() {
        let text = IncidentSubject.text(
            severity: .high, id: "INC-3F2A9C1B", detections: 3, techniques: ["T0855", "T0846", "T0886"])
        #expect(text == "[HIGH] OT Incident INC-3F2A9C1B – 3 Detection(s) | Techniques: T0855, T0846, T0886")
    }

    @Test func techniquesThatDoNotFitAreLeftOffWhole() {
        let ids = (0..<20).map { "T08\($0 + 10)" }
        let text = IncidentSubject.text(severity: .critical, id: "INC-3F2A9C1B", detections: 12, techniques: ids)
        #expect(text.count < 100)
        #expect(text.hasSuffix(", T0813") || text.hasSuffix(", T0814"))
    }

    @Test(arguments: ["é", "日", "👩‍👩‍👧‍👦", "e\u{301}\u{327}", "\u{1F1E9}\u{1F1EA}"])
    func threeHundredForeignCharactersAreCut(character: String) {
        let foreign = String(repeating: character, count: 300)
        let text = IncidentSubject.text(severity: .low, id: "INC-3F2A9C1B", detections: 1, techniques: [foreign])
        #expect(text.count < 100 && text.unicodeScalars.count < 100 && text.utf16.count < 100)
        #expect(text.count > 60)
        #expect((text.hasPrefix("[LOW] OT Incident")) && text.allSatisfy { !$0.isNewline })
        // Whole characters only: what follows the head is a run of the character itself.
        let tail = text.drop { $0 != ":" }.dropFirst(2)
        #expect(tail.allSatisfy { String($0) == character })
        #expect(String(validating: Array(text.utf8), as: UTF8.self) == text)
    }

    @Test func controlCharactersAreGone() {
        let text = IncidentSubject.text(
            severity: .low, id: "I\nN\u{0}C\u{2028}", detections: 1, techniques: ["a\u{85}b\r\n"])
        #expect(text.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control && $0 != "\u{2028}" })
    }

    @Test func withoutTechniques() {
        #expect(
            IncidentSubject.text(severity: .low, id: "X", detections: 1, techniques: [])
                == "[LOW] OT Incident X – 1 Detection(s) | Techniques: none")
    }
}

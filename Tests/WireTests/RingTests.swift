// SPDX-License-Identifier: Apache-2.0
import Testing
import Wire

struct RingTests {
    struct Owned: ~Copyable, Sendable {
        let number: Int
    }

    @Test func keepsTheOrderAcrossTheWrap() {
        let ring = Ring<Int>(capacity: 3)
        var next = 0
        var expected = 0
        for round in 0..<50 {
            for _ in 0...(round % 3) where ring.push(next) == nil { next += 1 }
            for _ in 0...(round % 2) {
                guard let value = ring.pop() else { continue }
                #expect(value == expected)
                expected += 1
            }
        }
        while let value = ring.pop() {
            #expect(value == expected)
            expected += 1
        }
        #expect(expected == next && next > 50)
    }

    @Test func handsBackWhenFull() {
        let ring = Ring<Owned>(capacity: 2)
        func number(_ value: consuming Owned?) -> Int? {
            switch consume value {
            case .some(let owned): owned.number
            case nil: nil
            }
        }
        #expect((1...4).map { number(ring.push(Owned(number: $0))) } == [nil, nil, 3, 4] && ring.count == 2)
        #expect(number(ring.pop()) == 1)
        #expect(number(ring.push(Owned(number: 5))) == nil && ring.count == 2)
        #expect([number(ring.pop()), number(ring.pop()), number(ring.pop())] == [2, 5, nil])
        #expect(ring.capacity == 2 && Ring<Int>(capacity: -1).capacity == 1)
    }

    @Test func closing() {
        let ring = Ring<Int>(capacity: 4)
        #expect(ring.push(1) == nil)
        #expect(!ring.isDrained)
        ring.close()
        #expect(ring.push(2) == 2 && !ring.isDrained)
        #expect(ring.pop() == 1 && ring.pop() == nil && ring.isDrained)
    }

    /// What waits when the ring goes is released once.
    @Test func releases() {
        final class Probe: Sendable {}
        weak var left: Probe?
        weak var taken: Probe?
        do {
            let ring = Ring<Probe>(capacity: 3)
            for index in 0..<2 {
                let probe = Probe()
                if index == 0 { taken = probe } else { left = probe }
                _ = ring.push(probe)
            }
            _ = ring.pop()
            #expect(left != nil)
        }
        #expect(left == nil && taken == nil)
    }

    @Test func betweenThreads() async {
        let ring = Ring<Int>(capacity: 8)
        async let sum: Int = {
            var sum = 0
            while !ring.isDrained {
                if let value = ring.pop() { sum += value } else { await Task.yield() }
            }
            return sum
        }()
        for number in 1...5_000 {
            while ring.push(number) != nil { await Task.yield() }
        }
        ring.close()
        #expect(await sum == 5_000 * 5_001 / 2)
    }
}

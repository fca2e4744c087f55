"""Small synthetic recordings in the XML formats of clinics. None is a patient; see format_factories."""

from __future__ import annotations

import base64
import struct

import numpy as np
from format_factories import LEADS, SECRET, steps

EIGHT = ("I", "II", "V1", "V2", "V3", "V4", "V5", "V6")


def aecg(leads=LEADS, samples_CT=None, *, increment="0.002", unit="uV", scale="2.5", origin="0", before="", pieces=1):
    """HL7 aECG with one rhythm series and a representative beat."""
    samples_CT = steps(leads) if samples_CT is None else samples_CT
    sequences = "".join(
        f'<component><sequence><code code="MDC_ECG_LEAD_{lead.upper()}"/><value xsi:type="SLIST_PQ">'
        f'<origin value="{origin}" unit="{unit}"/><scale value="{scale}" unit="{unit}"/>'
        f"<digits>{' '.join(map(str, lead_T))}</digits></value></sequence></component>"
        for lead, lead_T in zip(leads, samples_CT, strict=True)
    )
    time = (
        '<component><sequence><code code="TIME_ABSOLUTE"/><value xsi:type="GLIST_TS"><head value="20200102030405"/>'
        f'<increment value="{increment}" unit="s"/></value></sequence></component>'
    )
    block = f"<component><sequenceSet>{time}{sequences}</sequenceSet></component>" * pieces
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>{before}<AnnotatedECG xmlns="urn:hl7-org:v3" '
        'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><id root="1.2.3"/>'
        '<effectiveTime><low value="20200102030405"/></effectiveTime><componentOf><timepointEvent><componentOf>'
        f'<subjectAssignment><subject><trialSubject><id extension="{SECRET}"/><subjectDemographicPerson>'
        f'<name>{SECRET}</name><administrativeGenderCode code="F"/></subjectDemographicPerson></trialSubject>'
        "</subject></subjectAssignment></componentOf></timepointEvent></componentOf>"
        f'<component><series><code code="RHYTHM"/>{block}</series></component></AnnotatedECG>'
    ).encode()


def muse(leads=EIGHT, samples_CT=None, *, per_bit="4.88", unit="MICROVOLTS", base="500", exponent="0", extra="",
         before="", median=True):  # fmt: skip
    """GE MUSE RestingECG; `extra` goes into every LeadData."""
    samples_CT = steps(leads) if samples_CT is None else samples_CT

    def waveform(kind, values_CT):
        data = "".join(
            f"<LeadData><LeadByteCountTotal>{2 * len(lead_T)}</LeadByteCountTotal><LeadSampleCountTotal>{len(lead_T)}"
            f"</LeadSampleCountTotal><LeadAmplitudeUnitsPerBit>{per_bit}</LeadAmplitudeUnitsPerBit>"
            f"<LeadAmplitudeUnits>{unit}</LeadAmplitudeUnits><LeadID>{lead}</LeadID><LeadSampleSize>2</LeadSampleSize>"
            f"{extra}<WaveFormData>{base64.b64encode(lead_T.astype('<i2').tobytes()).decode()}</WaveFormData></LeadData>"
            for lead, lead_T in zip(leads, values_CT, strict=True)
        )
        return (
            f"<Waveform><WaveformType>{kind}</WaveformType><SampleBase>{base}</SampleBase>"
            f"<SampleExponent>{exponent}</SampleExponent><HighPassFilter>5</HighPassFilter>"
            f"<LowPassFilter>150</LowPassFilter><ACFilter>50</ACFilter>{data}</Waveform>"
        )

    first = waveform("Median", samples_CT[:, :60] + 7) if median else ""
    return (
        f'<?xml version="1.0" encoding="ISO-8859-1"?>{before}<RestingECG><MuseInfo><MuseVersion>9</MuseVersion>'
        f"</MuseInfo><PatientDemographics><PatientID>{SECRET}</PatientID><PatientLastName>{SECRET}</PatientLastName>"
        "<PatientAge>61</PatientAge><AgeUnits>YEARS</AgeUnits><Gender>FEMALE</Gender></PatientDemographics>"
        "<TestDemographics><AcquisitionDevice>MAC55</AcquisitionDevice><AcquisitionDate>01-02-2020</AcquisitionDate>"
        "<AcquisitionTime>03:04:05</AcquisitionTime><Status>CONFIRMED</Status></TestDemographics>"
        "<RestingECGMeasurements><VentricularRate>61</VentricularRate><PRInterval>160</PRInterval>"
        "</RestingECGMeasurements><Diagnosis><DiagnosisStatement><StmtFlag>ENDSLINE</StmtFlag><StmtText>Sinus rhythm"
        f"</StmtText></DiagnosisStatement></Diagnosis>{first}{waveform('Rhythm', samples_CT)}</RestingECG>"
    ).encode("latin-1")


def cardiology(leads=LEADS, samples_CT=None, *, rate="500", units="uVperLsb", resolution="5", count=None, before=""):
    """GE CardiologyXML with a strip and a median."""
    samples_CT = steps(leads) if samples_CT is None else samples_CT
    waves = "".join(
        f'<WaveformData lead="{lead}">\t{",".join(map(str, lead_T))}</WaveformData>'
        for lead, lead_T in zip(leads, samples_CT, strict=True)
    )
    block = (
        f'<SampleRate units="Hz">{rate}</SampleRate><ChannelSampleCountTotal>{count or samples_CT.shape[1]}'
        f'</ChannelSampleCountTotal><Resolution units="{units}">{resolution}</Resolution>{waves}'
    )
    return (
        f'<?xml version="1.0" encoding="ISO-8859-1" ?>{before}<CardiologyXML><ObservationType>RestECG</ObservationType>'
        "<ObservationDateTime><Hour>3</Hour><Minute>4</Minute><Second>5</Second><Day>2</Day><Month>1</Month>"
        f"<Year>2020</Year></ObservationDateTime><PatientInfo><PID>{SECRET}</PID><Name><FamilyName>{SECRET}</FamilyName>"
        '</Name><Age units="YEARS">61</Age><Gender>FEMALE</Gender><PaceMaker>no</PaceMaker></PatientInfo>'
        "<FilterSetting><Filter50Hz>Yes</Filter50Hz><Filter60Hz>No</Filter60Hz></FilterSetting>"
        f"<RestingECGMeasurements><VentricularRate>61</VentricularRate><MedianSamples>{block}</MedianSamples>"
        f"</RestingECGMeasurements><StripData>{block}</StripData></CardiologyXML>"
    ).encode("latin-1")


def sierra(leads=LEADS, samples_CT=None, *, version="1.04", compressed=True, rate=500, resolution="5", offset="0",
           duration=None, payload=None, before="", encoding="UTF-8"):  # fmt: skip
    """Philips Sierra XML, XLI-compressed or plain base64."""
    samples_CT = steps(leads) if samples_CT is None else samples_CT
    if payload is None:
        payload = xli(samples_CT) if compressed else samples_CT.astype("<i2").tobytes()
    text = base64.b64encode(payload).decode()
    milliseconds = samples_CT.shape[1] * 1000 / rate if duration is None else duration
    return (
        f'<?xml version="1.0" encoding="{encoding}"?>{before}<restingecgdata><documentinfo><documenttype>PhilipsECG'
        f"</documenttype><documentversion>{version}</documentversion></documentinfo>"
        "<patient><generalpatientdata>"
        f"<patientid>{SECRET}</patientid><name><lastname>{SECRET}</lastname></name><sex>Female</sex>"
        '<age><years>61</years></age></generalpatientdata></patient><dataacquisition date="2020-01-02" time="03:04:05">'
        '<machine machineid="M1" detaildescription="Synthetic:X:1.0">Cart</machine></dataacquisition><waveforms>'
        f'<parsedwaveforms dataencoding="Base64" compression="{"XLI" if compressed else "Uncompressed"}" '
        f'numberofleads="{len(leads)}" leadlabels="{" ".join(leads)}" durationperchannel="{milliseconds:g}" '
        f'samplespersecond="{rate}" resolution="{resolution}" signaloffset="{offset}" signalsigned="True" '
        f'bitspersample="16" hipass="0.05" lowpass="150" notchfiltered="True" notchfilterfreqs="50">{text}'
        "</parsedwaveforms></waveforms></restingecgdata>"
    ).encode(encoding)


def xli(samples_CT):
    """XLI: second differences, high bytes before low bytes, LZW of 10 bits that here only spells single bytes."""
    stored = samples_CT.astype(int).copy()
    i, ii, iii = stored[0].copy(), stored[1].copy(), stored[2].copy()
    stored[2] = ii - i - iii
    stored[3] = -stored[3] - (i + ii) // 2
    stored[4] = (i - iii) // 2 - stored[4]
    stored[5] = (ii + iii) // 2 - stored[5]
    return b"".join(_xli_chunk(lead_T) for lead_T in stored)


def _xli_chunk(lead_T):
    x = lead_T.tolist()
    coded, last = x[:2], 0
    # The decoder makes z[n] = 2 y - x - last and then last = code[n] - 64: solved for the codes.
    needed = [2 * x[n - 1] - x[n - 2] - x[n] for n in range(2, len(x))]
    last, needed = needed[0], needed[1:]
    coded += [value + 64 for value in needed] + [64]
    words = np.array(coded, dtype=np.int16).view(np.uint16)
    content = (words >> 8).astype(np.uint8).tobytes() + (words & 0xFF).astype(np.uint8).tobytes()
    bits = "".join(format(byte, "010b") for byte in content) + "1" * 10
    packed = int(bits.ljust(-(-len(bits) // 8) * 8, "0"), 2).to_bytes(-(-len(bits) // 8), "big")
    return struct.pack("<iHh", len(packed), 0, last) + packed

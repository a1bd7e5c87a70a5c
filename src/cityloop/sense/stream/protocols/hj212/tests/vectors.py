"""Frames of HJ 212 as they were published or captured."""

SET_INTERVAL = (
    b"##0101QN=20160801085857223;ST=32;CN=1062;PW=100000;MN=010000A8900016F000169DC0;"
    b"Flag=5;CP=&&RtdInterval=30&&1C80\r\n"
)
"""The frame the standard itself checks its checksum with."""

WEATHER = (
    b"##0275QN=20190814170100001;ST=22;CN=2011;PW=123456;MN=2019031801100018;Flag=5;CP=&&DataTime=20190814170100;"
    b"a01007-Rtd=1.7,a01007-Flag=N;a01008-Rtd=199.1,a01008-Flag=N;a01001-Rtd=22.9,a01001-Flag=N;"
    b"a01002-Rtd=85.8,a01002-Flag=N;a01006-Rtd=98.7,a01006-Flag=N;R01-Rtd=0.0,R01-Flag=N&&9301\r\n"
)
"""Real-time data of a weather station, as published with its receiver."""

SAMPLED = (
    b"##0162QN=20231008123340461;ST=22;CN=2011;PW=123456;MN=010000A8900016F000169DC0;Flag=5;"
    b"CP=&&DataTime=20231008123340;w01008-SampleTime=20231008123340,w01008-Rtd=123.456&&F441\r\n"
)
"""A value with its own time, as published with an interpreter of the protocol."""

OLD = (
    b"##0159ST=22;CN=2011;PW=123456;MN=8888888826462285;CP=&&DataTime=20211006030527;TEMP-Rtd=22.0;HUMI-Rtd=43.5;"
    b"PM25-Rtd=2.0;CO2-Rtd=405.0;CH2O-Rtd=0.008;VOC-Rtd=0.052;&&f001\r\n"
)
"""A frame of 2005's kind, without QN and Flag, with a checksum in small letters; contents as an air station sends them,
the checksum ours, for the published one belongs to another station id."""

CAPTURED = [SET_INTERVAL, WEATHER, SAMPLED, OLD]
REFUSED_BY_CHECK = [
    (
        b"##0136ST=32;CN=2011;PW=123456;MN=LD130133000015;CP=&&DataTime=20160824003817;B01-Rtd=36.91;"
        b"011-Rtd=231.0,011-Flag=N;060-Rtd=1.803,060-Flag=N&&4980\r\n"
    ),
]
"""Frames that go about with a checksum that is not theirs."""
